# Set up around an author's script in Python, as prelude/bash.sh. What it needs
# is part of python3-minimal.
import os, sys


def _labmark():
    import linecache, traceback

    out = os.dup(2)
    os.environ.clear()
    os.environ.update(PATH=@PATH@, HOME=@HOME@, USER=@USER@, LOGNAME=@USER@, SHELL="/bin/bash", LANG="C.UTF-8", LABMARK_RUN=@RUN@)
    os.environb.update(@VARS@)
    os.umask(0o22)
    try:
        os.chdir(os.environ["HOME"])
    except OSError:
        os.chdir("/")
    said = ["", "", "", ""]

    def verdict(status, *what):
        said[:] = what
        raise SystemExit(status)

    space = {os.fsdecode(k): os.fsdecode(v) for k, v in @VARS@.items()}
    space.update(
        __name__="__main__",
        __builtins__=__builtins__,
        fail=lambda *m: verdict(1, "fail", "", "", " ".join(map(str, m))),
        partial=lambda got, of, *m: verdict(1, "partial", got, of, " ".join(map(str, m))),
        unsure=lambda *m: verdict(75, "unsure", "", "", " ".join(map(str, m))),
    )
    # "pass" is a word of Python's own.
    space["passed"] = lambda *m: verdict(0, "pass", "", "", " ".join(map(str, m)))
    body = @BODY@
    linecache.cache["check"] = (len(body), None, body.decode("utf-8", "replace").splitlines(True), "check")

    def say(status):
        fields = [status, *said] + [space.get(n, "") for n in @NAMES@]
        record = "".join(@SEP@ + str(f) for f in fields) + @SEP@
        data = record.encode("utf-8", "surrogateescape")
        while data:
            data = data[os.write(out, data):]

    if @EARLY@:
        said[0] = "start"
        say("")
        said[0] = ""
    status = 0
    try:
        exec(compile(body, "check", "exec"), space)
    except SystemExit as e:
        status = e.code if isinstance(e.code, int) else 0 if e.code is None else 1
        if status == 1 and not isinstance(e.code, int):
            print(e.code, file=sys.stderr)
    except BaseException as e:
        status = 1
        traceback.print_exception(type(e), e, e.__traceback__.tb_next)
    try:
        sys.stdout.flush()
    except OSError:
        pass
    status &= 255
    say(status)
    sys.exit(status)


_labmark()
