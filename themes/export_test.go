package themes

// Load lets tests give bundled assets of their own, so that they need no npm.
var Load = load

// DefaultTemplates are the lowest layer.
var DefaultTemplates = defaultTemplates
