// What the client tells its user: events and errors.

// Emitter is an EventTarget whose on() hands the listener the detail itself.
export class Emitter extends EventTarget {
  // on calls listener with each detail of that type; what it returns takes the listener off.
  on(type, listener) {
    const heard = (event) => listener(event.detail);
    this.addEventListener(type, heard);
    return () => this.removeEventListener(type, heard);
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

// RookeryError is an error of the server, with its code and reason, or one of the client's own:
// no_websocket, bad_address, already_joined, disconnected, closed, left, too_large, no_answer, unconfirmed.
export class RookeryError extends Error {
  // retryAfter is in milliseconds; 0 when nobody said.
  constructor(code, reason, retryAfter = 0) {
    super(reason || code);
    this.name = 'RookeryError';
    this.code = code;
    this.reason = reason || code;
    this.retryAfter = retryAfter;
  }
}
