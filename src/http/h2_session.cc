#include "http/h2_session.h"

#include <nghttp2/nghttp2.h>

#include <array>
#include <utility>

#include "base/base64.h"
#include "base/check.h"
#include "http/h2_callbacks.h"
#include "http/text.h"

namespace thaw::http {
namespace {

constexpr uint32_t kFirstWindow = 64 << 10;
constexpr int32_t kWideWindow = 256 << 10;
constexpr int32_t kConnectionWindow = 1 << 20;
constexpr size_t kMaxSentHead = 512 << 10;
constexpr std::array<uint8_t, 8> kLastPing{'t', 'h', 'a', 'w', 'l', 'a', 's', 't'};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::vector<nghttp2_settings_entry> settings_of(H2Session::Side side,
                                                const H2Session::Options& options) {
  std::vector<nghttp2_settings_entry> settings{
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kFirstWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
       static_cast<uint32_t>(options.head.bytes + options.head.headers * 32)}};
  if (side == H2Session::Side::kServer) {
    settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.max_streams});
    settings.push_back({NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1});
  } else {
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  }
  return settings;
}

}  // namespace

std::vector<nghttp2_nv> to_nv(std::span<const H2Field> fields, std::string& names) {
  size_t size = 0;
  for (const H2Field& field : fields) size += field.name.size();
  names.clear();
  names.reserve(size);
  std::vector<nghttp2_nv> out;
  out.reserve(fields.size());
  for (const H2Field& field : fields) {
    const bool is_pseudo = field.name.starts_with(':');
    if (!is_token(field.name.substr(is_pseudo ? 1 : 0)) || !is_field_value(field.value)) {
      BUG("a field of a head is malformed and was left out");
      continue;
    }
    const size_t at = names.size();
    for (const char c : field.name) names += lower(c);
    const auto bytes = [](const char* text) {
      return reinterpret_cast<uint8_t*>(const_cast<char*>(text));  // NOLINT: nghttp2's C interface
    };
    out.push_back({bytes(names.data() + at), bytes(field.value.data()), field.name.size(),
                   field.value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  return out;
}

H2Session::H2Session(Side side, Options options, H2Events& events, Instant now)
    : side_(side), options_(options), events_(events), guard_(now), now_(now), head_(options.head) {
  nghttp2_option* option = nullptr;
  CHECK(nghttp2_option_new(&option) == 0, "memory for an HTTP/2 session");
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_max_send_header_block_length(option, kMaxSentHead);
  const nghttp2_session_callbacks* callbacks = Callbacks::all();
  const int error = side == Side::kServer
                        ? nghttp2_session_server_new2(&session_, callbacks, this, option)
                        : nghttp2_session_client_new2(&session_, callbacks, this, option);
  nghttp2_option_del(option);
  CHECK(error == 0, "memory for an HTTP/2 session");
  const auto settings = settings_of(side, options);
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

H2Session::~H2Session() { nghttp2_session_del(session_); }

bool H2Session::receive(std::string_view bytes, Instant now) {
  now_ = now;
  if (failed_) return false;
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  const ssize_t taken = nghttp2_session_mem_recv(session_, data, bytes.size());
  if (taken < 0 && !failed_) {
    fail(taken == NGHTTP2_ERR_FLOODED ? H2Error::kEnhanceYourCalm : H2Error::kProtocol);
  }
  return !failed_;
}

void H2Session::collect(std::string& out, size_t most) {
  collecting_ = &out;
  most_ = most;
  while (out.size() < most) {
    const size_t before = out.size();
    const uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size < 0) failed_ = true;
    if (size > 0) out.append(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
    if (out.size() == before) break;
  }
  collecting_ = nullptr;
}

bool H2Session::is_over() const {
  const bool wants = nghttp2_session_want_read(session_) != 0;
  return (failed_ || !wants) && nghttp2_session_want_write(session_) == 0;
}

size_t H2Session::backlog() const { return nghttp2_session_get_outbound_queue_size(session_); }

bool H2Session::upgrade(std::string_view settings, std::string_view method,
                        H2StreamEvents& events) {
  const auto payload = from_base64(settings);
  if (!payload) return false;
  const auto* data = reinterpret_cast<const uint8_t*>(payload->data());
  if (nghttp2_session_upgrade2(session_, data, payload->size(), method == "HEAD", nullptr) != 0) {
    return false;
  }
  auto stream = std::make_unique<Stream>();
  stream->events = &events;
  stream->peer_ended = true;
  streams_[1] = std::move(stream);
  return true;
}

void H2Session::shut_down() {
  if (std::exchange(going_, true)) return;
  // What the client sent before it read the notice is taken still: it acknowledges the PING after.
  nghttp2_submit_shutdown_notice(session_);
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, kLastPing.data());
}

void H2Session::on_ping_answered(std::span<const uint8_t> payload) {
  if (!going_ || !std::equal(kLastPing.begin(), kLastPing.end(), payload.begin())) return;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
}

void H2Session::fail(H2Error why) {
  failed_ = true;
  nghttp2_session_terminate_session(session_, static_cast<uint32_t>(why));
}

void H2Session::spend(bool allowed) {
  if (!allowed && !failed_) fail(H2Error::kEnhanceYourCalm);
}

H2Session::Stream* H2Session::find(int32_t stream) const {
  const auto found = streams_.find(stream);
  return found == streams_.end() ? nullptr : found->second.get();
}

void H2Session::respond(int32_t stream, std::span<const H2Field> fields, End end) {
  if (find(stream) == nullptr) return;
  const auto nv = to_nv(fields, lower_);
  const nghttp2_data_provider content = Callbacks::content();
  nghttp2_submit_response(session_, stream, nv.data(), nv.size(),
                          end == End::kYes ? nullptr : &content);
}

void H2Session::say_continue(int32_t stream) {
  if (find(stream) == nullptr) return;
  const H2Field status{":status", "100"};
  const auto nv = to_nv({&status, 1}, lower_);
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream, nullptr, nv.data(), nv.size(),
                         nullptr);
}

bool H2Session::takes_requests() const {
  const uint32_t most =
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return !failed_ && nghttp2_session_check_request_allowed(session_) != 0 && streams_.size() < most;
}

int32_t H2Session::request(std::span<const H2Field> fields, End end, H2StreamEvents& events) {
  if (!takes_requests()) return 0;
  const auto nv = to_nv(fields, lower_);
  const nghttp2_data_provider content = Callbacks::content();
  const int32_t id = nghttp2_submit_request(session_, nullptr, nv.data(), nv.size(),
                                            end == End::kYes ? nullptr : &content, nullptr);
  if (id <= 0) return 0;
  auto stream = std::make_unique<Stream>();
  stream->events = &events;
  streams_[id] = std::move(stream);
  return id;
}

void H2Session::send(int32_t stream, std::string_view content) {
  Stream* const found = find(stream);
  if (found == nullptr || found->finishing || content.empty()) return;
  found->out += content;
  unsent_ += content.size();
  nghttp2_session_resume_data(session_, stream);
}

void H2Session::finish(int32_t stream, const Headers& trailers) {
  Stream* const found = find(stream);
  if (found == nullptr || found->finishing) return;
  found->finishing = true;
  found->trailers = trailers;
  nghttp2_session_resume_data(session_, stream);
}

void H2Session::reset(int32_t stream, H2Error why) {
  Stream* const found = find(stream);
  if (found == nullptr) return;
  drop_unsent(*found);
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, static_cast<uint32_t>(why));
}

void H2Session::drop_unsent(Stream& stream) {
  unsent_ -= stream.out.size() - stream.sent;
  std::string().swap(stream.out);
  stream.sent = 0;
}

void H2Session::release(int32_t stream) {
  if (Stream* const found = find(stream)) found->events = nullptr;
}

void H2Session::cut(int32_t stream) {
  Stream* const found = find(stream);
  if (found == nullptr) return;
  found->events = nullptr;
  found->cut = true;
  if (found->out.empty()) return reset(stream, H2Error::kInternal);
  nghttp2_session_resume_data(session_, stream);
}

void H2Session::abandon(int32_t stream, H2Error why) {
  Stream* const found = find(stream);
  if (found == nullptr) return;
  found->events = nullptr;
  reset(stream, why);
}

size_t H2Session::unsent(int32_t stream) const {
  const Stream* const found = find(stream);
  return found == nullptr ? 0 : found->out.size() - found->sent;
}

void H2Session::consume(int32_t stream, size_t bytes) {
  Stream* const found = find(stream);
  if (found == nullptr || bytes == 0) return;
  if (!std::exchange(found->wide, true)) {
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, stream, kWideWindow);
  }
  nghttp2_session_consume_stream(session_, stream, bytes);
}

}  // namespace thaw::http
