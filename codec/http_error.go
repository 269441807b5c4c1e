package codec

import "strconv"

// HTTPError refuses a request: the status and the reason are what the client is told. Values are shared and must not
// be changed.
type HTTPError struct {
	Status int
	Reason string
	Header []HTTPField // sent beside what AppendHTTPError always sends
}

// HTTPField is one header field of an answer.
type HTTPField struct{ Name, Value string }

// Error returns the status and the reason, named as the codec's.
func (e *HTTPError) Error() string { return "codec: " + strconv.Itoa(e.Status) + ": " + e.Reason }

// AppendHTTPError writes the whole response that refuses a request, after which the connection is to be closed.
func AppendHTTPError(dst []byte, e *HTTPError) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(e.Status), 10)
	dst = append(dst, ' ')
	dst = append(dst, statusText(e.Status)...)
	dst = append(dst, "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(e.Reason)), 10)
	dst = append(dst, "\r\nConnection: close\r\n"...)
	for _, f := range e.Header {
		dst = appendField(dst, f.Name, f.Value)
	}
	dst = append(dst, "\r\n"...)
	return append(dst, e.Reason...)
}

func appendField(dst []byte, name, value string) []byte {
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), "\r\n"...)
}

// statusText names the statuses this program answers with (RFC 9110 section 15, RFC 6585).
func statusText(status int) string {
	switch status {
	case 400:
		return "Bad Request"
	case 401:
		return "Unauthorized"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 408:
		return "Request Timeout"
	case 411:
		return "Length Required"
	case 413:
		return "Content Too Large"
	case 426:
		return "Upgrade Required"
	case 429:
		return "Too Many Requests"
	case 431:
		return "Request Header Fields Too Large"
	case 500:
		return "Internal Server Error"
	case 501:
		return "Not Implemented"
	case 503:
		return "Service Unavailable"
	case 505:
		return "HTTP Version Not Supported"
	}
	return "Error"
}

func badRequest(reason string) *HTTPError { return &HTTPError{Status: 400, Reason: reason} }

// What ParseRequest and CheckUpgrade can find.
var (
	errLineEnd          = badRequest("lines must end with CRLF")
	errRequestLine      = badRequest("the request line is not METHOD SP TARGET SP HTTP/1.1")
	errTarget           = badRequest("the request target must be a path, * with OPTIONS, or an absolute http URL")
	errVersion          = &HTTPError{Status: 505, Reason: "the HTTP version must be 1.1 or 1.0"}
	errFieldName        = badRequest("a header line does not begin with a name directly followed by a colon")
	errFieldFold        = badRequest("a header line begins with white space")
	errFieldValue       = badRequest("a header value contains a control character")
	errNoHost           = badRequest("an HTTP/1.1 request needs a Host header")
	errHost             = badRequest("the Host header is not a host")
	errDuplicate        = badRequest("a header that must occur once occurs twice: Host, Origin, Sec-WebSocket-Key, Sec-WebSocket-Version or Content-Length")
	errContentLength    = badRequest("the Content-Length is not a number")
	errTransferEncoding = &HTTPError{Status: 501, Reason: "the only Transfer-Encoding known is chunked"}
	errTwoLengths       = badRequest("a request must not have Transfer-Encoding with Content-Length or in HTTP/1.0")
	errHeaderTooLarge   = &HTTPError{Status: 431, Reason: "the request line and headers are larger than the limit"}

	errUpgradeMethod  = &HTTPError{Status: 405, Reason: "a WebSocket is opened with GET", Header: []HTTPField{{"Allow", "GET"}}}
	errUpgradeVersion = &HTTPError{Status: 505, Reason: "a WebSocket is opened with HTTP/1.1"}
	errUpgradeHost    = badRequest("the Host header is empty")
	errUpgradeBody    = badRequest("a request that opens a WebSocket has no body")
	errUpgradeMissing = &HTTPError{Status: 426, Reason: "this address speaks WebSocket: the request needs an Upgrade: websocket header",
		Header: []HTTPField{{"Connection", "Upgrade"}, {"Upgrade", "websocket"}}}
	errUpgradeConnection = badRequest("the Connection header must be a list of tokens with Upgrade among them")
	errUpgradeKey        = badRequest("the Sec-WebSocket-Key header must be the base64 of 16 bytes")
	errUpgradeWSVersion  = &HTTPError{Status: 426, Reason: "the Sec-WebSocket-Version header must be 13",
		Header: []HTTPField{{"Sec-WebSocket-Version", "13"}, {"Connection", "Upgrade"}, {"Upgrade", "websocket"}}}
	errUpgradeProtocols  = badRequest("the Sec-WebSocket-Protocol header is not a list of tokens")
	errUpgradeExtensions = badRequest("the Sec-WebSocket-Extensions header is not a list of extensions")
)
