package ltitest

import "net/http"

func (p *Platform) pageRoutes(mux *http.ServeMux) {}
