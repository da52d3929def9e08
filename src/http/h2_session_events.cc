// The second half of an H2Session: what nghttp2 tells it and asks it for.
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "http/h2_callbacks.h"
#include "http/h2_session.h"

namespace thaw::http {
namespace {

constexpr size_t kKept = 64 << 10;  // of a stream's buffer, once it is empty

std::string_view text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// What a peer that breaks the rules makes us send.
bool is_the_peers_fault(uint32_t code) {
  switch (code) {
    case NGHTTP2_PROTOCOL_ERROR:
    case NGHTTP2_FLOW_CONTROL_ERROR:
    case NGHTTP2_STREAM_CLOSED:
    case NGHTTP2_FRAME_SIZE_ERROR:
    case NGHTTP2_REFUSED_STREAM:
      return true;
    default:
      return false;
  }
}

}  // namespace

int H2Session::Callbacks::on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* head,
                                         void* user) {
  H2Session& session = self(user);
  if (head->type == NGHTTP2_HEADERS) session.head_begun_ = true;
  const bool carries = head->type == NGHTTP2_HEADERS || head->type == NGHTTP2_DATA ||
                       head->type == NGHTTP2_CONTINUATION;
  if (!carries) session.spend(session.guard_.on_idle_frame(session.now_));
  if (head->type == NGHTTP2_RST_STREAM) session.spend(session.guard_.on_reset(session.now_));
  return verdict(session);
}

int H2Session::Callbacks::on_begin_headers(nghttp2_session*, const nghttp2_frame*, void* user) {
  self(user).head_.begin();
  return 0;
}

int H2Session::Callbacks::on_header(nghttp2_session*, const nghttp2_frame*, const uint8_t* name,
                                    size_t name_size, const uint8_t* value, size_t value_size,
                                    uint8_t, void* user) {
  self(user).head_.add(text(name, name_size), text(value, value_size));
  return 0;
}

/// RFC 9113, 8.1.1: a malformed message is not passed on, nor mended.
int H2Session::Callbacks::on_invalid_header(nghttp2_session*, const nghttp2_frame*, const uint8_t*,
                                            size_t, const uint8_t*, size_t, uint8_t, void*) {
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int H2Session::Callbacks::on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  H2Session& session = self(user);
  const bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      session.head_begun_ = false;
      session.take_head(frame->hd.stream_id, frame->headers.cat == NGHTTP2_HCAT_REQUEST, ended);
      break;
    case NGHTTP2_DATA: {
      const size_t size = frame->hd.length - frame->data.padlen;
      if (size >= H2Guard::kWorthBytes) session.guard_.on_worth();
      if (size == 0 && !ended) session.spend(session.guard_.on_idle_frame(session.now_));
      if (ended) session.take_end(frame->hd.stream_id, {});
      break;
    }
    case NGHTTP2_PING:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        session.on_ping_answered(frame->ping.opaque_data);
      }
      break;
    case NGHTTP2_GOAWAY:
      session.events_.on_goaway();
      break;
    default:
      break;
  }
  return verdict(session);
}

int H2Session::Callbacks::on_invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int,
                                           void* user) {
  H2Session& session = self(user);
  if (frame->hd.type == NGHTTP2_HEADERS) session.head_begun_ = false;
  return verdict(session);
}

int H2Session::Callbacks::on_data(nghttp2_session* session, uint8_t, int32_t id,
                                  const uint8_t* data, size_t size, void* user) {
  nghttp2_session_consume_connection(session, size);
  Stream* const stream = self(user).find(id);
  if (stream != nullptr && stream->events != nullptr) {
    stream->events->on_content(text(data, size));
  } else {
    nghttp2_session_consume_stream(session, id, size);
  }
  return verdict(self(user));
}

int H2Session::Callbacks::on_close(nghttp2_session*, int32_t id, uint32_t why, void* user) {
  self(user).close(id, static_cast<H2Error>(why));
  return 0;
}

int H2Session::Callbacks::on_sent(nghttp2_session* session, const nghttp2_frame* frame,
                                  void* user) {
  H2Session& own = self(user);
  const int32_t id = frame->hd.stream_id;
  if (frame->hd.type == NGHTTP2_RST_STREAM && is_the_peers_fault(frame->rst_stream.error_code)) {
    own.spend(own.guard_.on_reset(own.now_));
  }
  if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) return 0;
  const bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (ended || frame->hd.length >= H2Guard::kWorthBytes) own.guard_.on_worth();
  const Stream* const stream = own.find(id);
  // RFC 9113, 8.1: the answer is whole, so that the rest of the request is not wanted.
  if (ended && own.side_ == Side::kServer && stream != nullptr && !stream->peer_ended) {
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
  }
  if (stream != nullptr && stream->events != nullptr) stream->events->on_sent();
  return 0;
}

int H2Session::Callbacks::on_not_sent(nghttp2_session*, const nghttp2_frame* frame, int,
                                      void* user) {
  if (frame->hd.type != NGHTTP2_HEADERS) return 0;
  H2Session& session = self(user);
  if (session.side_ == Side::kClient) {
    session.close(frame->hd.stream_id, H2Error::kRefusedStream);
  } else {
    session.reset(frame->hd.stream_id, H2Error::kInternal);
  }
  return 0;
}

ssize_t H2Session::Callbacks::read_content(nghttp2_session*, int32_t id, uint8_t*, size_t most,
                                           uint32_t* flags, nghttp2_data_source*, void* user) {
  H2Session& own = self(user);
  Stream* const stream = own.find(id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const size_t waiting = stream->out.size() - stream->sent;
  const size_t size = std::min(waiting, most);
  if (size == 0 && stream->cut) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // RST_STREAM
  if (size == 0 && !stream->finishing) return NGHTTP2_ERR_DEFERRED;
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (size == waiting && stream->finishing) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream->trailers.size() > 0) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      own.submit_trailers(id, *stream);
    }
  }
  return static_cast<ssize_t>(size);
}

int H2Session::Callbacks::send_content(nghttp2_session*, nghttp2_frame* frame, const uint8_t* head,
                                       size_t size, nghttp2_data_source*, void* user) {
  H2Session& session = self(user);
  Stream* const stream = session.find(frame->hd.stream_id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  CHECK(frame->data.padlen == 0 && session.collecting_ != nullptr, "frames have no padding");
  session.collecting_->append(text(head, 9));
  session.collecting_->append(stream->out, stream->sent, size);
  stream->sent += size;
  session.unsent_ -= size;
  if (stream->sent == stream->out.size()) {
    if (stream->out.capacity() > kKept) std::string().swap(stream->out);
    stream->out.clear();
    stream->sent = 0;
  } else if (stream->sent >= kKept && stream->sent >= stream->out.size() / 2) {
    // Not with each frame: what waits behind would be moved as often as it is long.
    stream->out = stream->out.substr(std::exchange(stream->sent, 0));
  }
  return session.collecting_->size() >= session.most_ ? NGHTTP2_ERR_PAUSE : 0;
}

const nghttp2_session_callbacks* H2Session::Callbacks::all() {
  static const nghttp2_session_callbacks* const callbacks = [] {
    nghttp2_session_callbacks* out = nullptr;
    CHECK(nghttp2_session_callbacks_new(&out) == 0, "memory for HTTP/2's callbacks");
    nghttp2_session_callbacks_set_on_begin_frame_callback(out, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(out, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(out, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(out, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(out, on_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(out, on_invalid_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(out, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(out, on_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(out, on_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(out, on_not_sent);
    nghttp2_session_callbacks_set_send_data_callback(out, send_content);
    return out;
  }();
  return callbacks;
}

void H2Session::take_head(int32_t id, bool is_request, bool ended) {
  if (side_ == Side::kServer && is_request) return begin_request(id, ended);
  Stream* const stream = find(id);
  if (stream == nullptr || stream->events == nullptr) return;
  if (side_ == Side::kClient && !stream->has_head) return begin_response(id, *stream, ended);
  Headers trailers;
  if (!head_.finish_trailers(trailers)) return reset(id, H2Error::kProtocol);
  if (ended) take_end(id, std::move(trailers));
}

void H2Session::begin_request(int32_t id, bool ended) {
  guard_.on_worth();
  const nghttp2_extpri in_turn{NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
  nghttp2_session_change_extpri_stream_priority(session_, id, &in_turn, 1);
  Stream* const stream = streams_.emplace(id, std::make_unique<Stream>()).first->second.get();
  stream->peer_ended = ended;
  const auto body = ended ? H2HeadReader::Body::kNone : H2HeadReader::Body::kFollows;
  H2StreamEvents* const events = head_.finish_request(body)
                                     ? events_.on_request(id, head_.request())
                                     : events_.on_bad_request(id, head_.fault());
  stream->events = events;
  if (events == nullptr) return reset(id, H2Error::kRefusedStream);
  if (ended) events->on_end({});
}

void H2Session::begin_response(int32_t id, Stream& stream, bool ended) {
  const auto body = ended ? H2HeadReader::Body::kNone : H2HeadReader::Body::kFollows;
  if (!head_.finish_response(body)) return reset(id, H2Error::kProtocol);
  if (head_.response().status < 200) return;
  stream.has_head = true;
  stream.events->on_response(head_.response());
  if (ended) take_end(id, {});
}

void H2Session::take_end(int32_t id, Headers trailers) {
  Stream* const stream = find(id);
  if (stream == nullptr || std::exchange(stream->peer_ended, true)) return;
  if (stream->events != nullptr) stream->events->on_end(std::move(trailers));
}

void H2Session::close(int32_t id, H2Error why) {
  head_begun_ = false;
  const auto node = streams_.extract(id);
  if (node.empty()) return;
  drop_unsent(*node.mapped());
  if (node.mapped()->events == nullptr) return;
  node.mapped()->events->on_closed(why);
}

void H2Session::submit_trailers(int32_t id, const Stream& stream) {
  std::vector<H2Field> fields;
  fields.reserve(stream.trailers.size());
  for (const Headers::Header& trailer : stream.trailers) {
    fields.push_back({trailer.name, trailer.value});
  }
  const auto nv = to_nv(fields, lower_);
  nghttp2_submit_trailer(session_, id, nv.data(), nv.size());
}

}  // namespace thaw::http
