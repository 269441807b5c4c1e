package server_test

import (
	"testing"

	"rookery/server/internal/certtest"
)

// TestAllOverTLS runs the tests that use plain text a second time, over TLS. Those that count goroutines or allocations
// would count those of the client's crypto/tls: TestIdleTLSConnections and TestTLSSendingDoesNotAllocate stand for them.
func TestAllOverTLS(t *testing.T) {
	certtest.Again(t, "TLS|ALPN|SNI|HTTPS|OpenSSL|Certificate|BothPorts|PlainText|Import|TestIdleConnectionsAddNoGoroutine|TestSendingDoesNotAllocate")
}
