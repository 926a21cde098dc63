package bare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"
)

// monitor speaks QMP, the QEMU Machine Protocol, one command at a time.
type monitor struct {
	conn net.Conn
	in   *json.Decoder
}

func newMonitor(ctx context.Context, conn net.Conn) (*monitor, error) {
	m := &monitor{conn: conn, in: json.NewDecoder(conn)}
	var greeting struct{ QMP any }
	if err := m.in.Decode(&greeting); err != nil {
		return nil, fmt.Errorf("no greeting from its monitor: %w", err)
	}
	return m, m.do(ctx, "qmp_capabilities", nil, nil)
}

// do runs a command and reads past events to its answer.
func (m *monitor) do(ctx context.Context, command string, arguments map[string]any, result any) error {
	if deadline, ok := ctx.Deadline(); ok {
		_ = m.conn.SetDeadline(deadline)
	} else {
		_ = m.conn.SetDeadline(time.Now().Add(time.Minute))
	}
	ask := map[string]any{"execute": command}
	if arguments != nil {
		ask["arguments"] = arguments
	}
	text, err := json.Marshal(ask)
	if err != nil {
		return err
	}
	if _, err := m.conn.Write(text); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	for {
		var answer struct {
			Return json.RawMessage `json:"return"`
			Error  *struct {
				Desc string `json:"desc"`
			} `json:"error"`
		}
		if err := m.in.Decode(&answer); err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
		switch {
		case answer.Error != nil:
			return fmt.Errorf("%s: %s", command, answer.Error.Desc)
		case answer.Return != nil && result != nil:
			return json.Unmarshal(answer.Return, result)
		case answer.Return != nil:
			return nil
		}
	}
}

// save writes the whole machine to a file.
func (m *monitor) save(ctx context.Context, path string) error {
	if err := m.do(ctx, "migrate", map[string]any{"uri": "exec:cat >" + path}, nil); err != nil {
		return err
	}
	for {
		var now struct {
			Status string `json:"status"`
			Desc   string `json:"error-desc"`
		}
		if err := m.do(ctx, "query-migrate", nil, &now); err != nil {
			return err
		}
		switch now.Status {
		case "completed":
			return nil
		case "failed", "cancelled":
			return errors.New("the machine was not saved: " + now.Desc)
		}
		if err := rest(ctx); err != nil {
			return err
		}
	}
}

// awaitRestored waits until the saved machine is in, and lets it run.
func (m *monitor) awaitRestored(ctx context.Context) error {
	for {
		var now struct {
			Status string `json:"status"`
		}
		if err := m.do(ctx, "query-status", nil, &now); err != nil {
			return err
		}
		if now.Status != "inmigrate" {
			return m.do(ctx, "cont", nil, nil)
		}
		if err := rest(ctx); err != nil {
			return err
		}
	}
}
