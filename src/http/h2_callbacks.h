// What nghttp2 calls an H2Session by. Part of H2Session; only h2_session*.cc include this.
// **Thread**: any.
#pragma once

#include <nghttp2/nghttp2.h>

#include <span>
#include <string>
#include <vector>

#include "http/h2_session.h"

namespace thaw::http {

/// What nghttp2 takes: views of `fields` and of `names`, which gets the names in lower case.
std::vector<nghttp2_nv> to_nv(std::span<const H2Field> fields, std::string& names);

/// A session is its callbacks' `user`.
struct H2Session::Callbacks {
  /// One set for all sessions.
  static const nghttp2_session_callbacks* all();
  static nghttp2_data_provider content() { return {{}, read_content}; }

 private:
  static H2Session& self(void* user) { return *static_cast<H2Session*>(user); }
  static int verdict(const H2Session& session) {
    return session.failed_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
  }
  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user);
  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                       size_t name_size, const uint8_t* value, size_t value_size, uint8_t flags,
                       void* user);
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                               size_t name_size, const uint8_t* value, size_t value_size,
                               uint8_t flags, void* user);
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int on_invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int error, void* user);
  static int on_data(nghttp2_session* session, uint8_t flags, int32_t id, const uint8_t* data,
                     size_t size, void* user);
  static int on_close(nghttp2_session*, int32_t id, uint32_t why, void* user);
  static int on_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int on_not_sent(nghttp2_session*, const nghttp2_frame* frame, int error, void* user);
  static ssize_t read_content(nghttp2_session*, int32_t id, uint8_t* into, size_t most,
                              uint32_t* flags, nghttp2_data_source* source, void* user);
  static int send_content(nghttp2_session*, nghttp2_frame* frame, const uint8_t* head, size_t size,
                          nghttp2_data_source* source, void* user);
};

}  // namespace thaw::http
