// Package sight is what the gateway shows of itself to those who run it:
// figures of the moment and since the start, in Prometheus' form, and what each
// guest uses.
//
// Figures name no student. Labels have few values: routes by their pattern,
// guests by their mode, image and node.
package sight
