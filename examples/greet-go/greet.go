// SPDX-License-Identifier: Apache-2.0

// Greets in the language of the country that the request comes from: a wasi:http handler in Go,
// without a component toolchain. Go's own compiler imports and exports what a component would.
package main

import "unsafe"

func greeting(country string) string {
	switch country {
	case "KR":
		return "안녕하세요!\n"
	case "JP":
		return "こんにちは!\n"
	}
	return "Hello!\n"
}

// handle answers one request: `request` and `out` are handles of wasi:http/types.
//
//go:wasmexport wasi:http/incoming-handler@0.2.0#handle
func handle(request, out uint32) {
	in := requestHeaders(request)
	country := header(in, "cf-ipcountry")
	fieldsDrop(in)
	requestDrop(request)

	var result [5]uint64 // room for result<_, error-code>
	area := unsafe.Pointer(&result)
	fields := fieldsNew()
	name, value := "content-type", "text/plain; charset=utf-8"
	fieldsAppend(fields, unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)),
		unsafe.Pointer(unsafe.StringData(value)), uint32(len(value)), area)
	response := responseNew(fields)
	responseBody(response, area)
	body := payload(area)
	outparamSet(out, 0, response, 0, 0, 0, 0, 0, 0)
	bodyWrite(body, area)
	stream := payload(area)
	text := greeting(country)
	write(stream, unsafe.Pointer(unsafe.StringData(text)), uint32(len(text)), area)
	streamDrop(stream)
	bodyFinish(body, 0, 0, area)
}

// header returns the first value of a header, or "".
func header(fields uint32, name string) string {
	var values [2]uint32 // list<list<u8>>: pointer and count
	fieldsGet(fields, unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)),
		unsafe.Pointer(&values))
	if values[1] == 0 {
		return ""
	}
	first := (*[2]uint32)(unsafe.Pointer(uintptr(values[0])))
	return string(unsafe.Slice((*byte)(unsafe.Pointer(uintptr(first[0]))), first[1]))
}

// payload is the handle of a result<own<…>>.
func payload(area unsafe.Pointer) uint32 {
	return *(*uint32)(unsafe.Add(area, 4))
}

// given holds what the host was given memory for, so that the collector leaves it alone.
var given [][]uint64

//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldBytes, align, bytes uint32) unsafe.Pointer {
	block := make([]uint64, (bytes+7)/8+1)
	given = append(given, block)
	return unsafe.Pointer(&block[0])
}

func main() {}

//go:wasmimport wasi:http/types@0.2.0 [method]incoming-request.headers
func requestHeaders(request uint32) uint32

//go:wasmimport wasi:http/types@0.2.0 [resource-drop]incoming-request
func requestDrop(request uint32)

//go:wasmimport wasi:http/types@0.2.0 [constructor]fields
func fieldsNew() uint32

//go:wasmimport wasi:http/types@0.2.0 [method]fields.get
func fieldsGet(fields uint32, name unsafe.Pointer, bytes uint32, result unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [method]fields.append
func fieldsAppend(fields uint32, name unsafe.Pointer, nameBytes uint32, value unsafe.Pointer,
	valueBytes uint32, result unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [resource-drop]fields
func fieldsDrop(fields uint32)

//go:wasmimport wasi:http/types@0.2.0 [constructor]outgoing-response
func responseNew(headers uint32) uint32

//go:wasmimport wasi:http/types@0.2.0 [method]outgoing-response.body
func responseBody(response uint32, result unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [method]outgoing-body.write
func bodyWrite(body uint32, result unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [static]outgoing-body.finish
func bodyFinish(body, hasTrailers, trailers uint32, result unsafe.Pointer)

//go:wasmimport wasi:http/types@0.2.0 [static]response-outparam.set
func outparamSet(out, tag, response, a uint32, b uint64, c, d, e, f uint32)

//go:wasmimport wasi:io/streams@0.2.0 [method]output-stream.blocking-write-and-flush
func write(stream uint32, text unsafe.Pointer, bytes uint32, result unsafe.Pointer)

//go:wasmimport wasi:io/streams@0.2.0 [resource-drop]output-stream
func streamDrop(stream uint32)
