// A request as handlers get it, from the head that a parser made. No I/O.
// Thread: any. Owner: views die at return.
#pragma once

#include <string>

#include "http/head.h"
#include "http/message.h"
#include "io/net.h"

namespace thaw::http {

/// Without a body. `stream`: the client's.
Request to_request(const RequestHead& head, const io::Stream& stream);

/// Whether a whole request asks to go on in HTTP/2 (RFC 7540, 3.2). With a body it goes on in
/// HTTP/1.1, as a server may choose.
bool wants_h2c(const RequestHead& head);

}  // namespace thaw::http
