// Downloads: an object's content from disk to client, a block at a time.
#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "base/log.h"
#include "http/date.h"
#include "http/text.h"
#include "objects/resource_json.h"
#include "storage_api/handlers.h"
#include "storage_api/ranges.h"
#include "storage_api/reply.h"

namespace thaw::storage_api {
namespace {

using objects::Catalog;
using objects::ContentReader;
using objects::Object;

constexpr size_t kBlock = 512 << 10;

/// Reads the next block while the one before is being sent.
class Sender : public std::enable_shared_from_this<Sender> {
 public:
  Sender(CallPtr call, std::shared_ptr<ContentReader> reader, int64_t begin, int64_t end)
      : call_(std::move(call)), reader_(std::move(reader)), at_(begin), end_(end) {}

  /// `head` is answered once the first block was read, so that a fault can still be told.
  void send(http::Response head) {
    head_ = std::move(head);
    read();
  }

 private:
  void read() {
    const auto length = static_cast<size_t>(std::min<int64_t>(end_ - at_, kBlock));
    reader_->read(at_, length, [self = shared_from_this(), length](Result<std::string> block) {
      if (block && block->size() < length) {
        block = Error(Code::kDataLoss, "the content is shorter than its object");
      }
      if (!block) return self->fail(block.error());
      self->waiting_ = *std::move(block);
      self->write();
    });
  }

  void write() {
    if (waiting_.empty() || !writable_) return;
    if (head_) {
      call_->responder->start(*std::exchange(head_, std::nullopt));
    }
    const std::string block = std::exchange(waiting_, {});
    at_ += static_cast<int64_t>(block.size());
    if (at_ < end_) read();
    const auto flow = call_->responder->write(block);
    if (flow == http::Responder::Flow::kGone) {
      end_ = at_;
      return;
    }
    if (at_ >= end_) return call_->responder->end();
    if (flow == http::Responder::Flow::kGoOn) return;
    writable_ = false;
    call_->responder->when_writable([self = shared_from_this()] {
      self->writable_ = true;
      self->write();
    });
  }

  /// Before the head this is an error answer; after it the connection is cut.
  void fail(const Error& error) {
    log_error("an object's content cannot be read", {{"why", error.message()}});
    if (head_) return call_->answer(Error(Code::kInternal, error.message()));
    call_->responder.reset();
  }

  CallPtr call_;
  std::shared_ptr<ContentReader> reader_;
  int64_t at_;
  int64_t end_;
  std::optional<http::Response> head_;
  std::string waiting_;
  bool writable_ = true;
};

void add_settings(http::Headers& headers, const Call& call, const Object& object) {
  const Json& settings = object.settings;
  const auto add = [&](const char* name, const char* key, const char* override_name,
                       const char* otherwise) {
    std::string value = call.query(override_name);
    if (value.empty()) value = settings.string_or(key, otherwise);
    const bool is_clean = std::none_of(value.begin(), value.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (!value.empty() && is_clean) headers.add(name, value);
  };
  add("content-type", "contentType", "response-content-type", "application/octet-stream");
  add("content-disposition", "contentDisposition", "response-content-disposition", "");
  add("content-encoding", "contentEncoding", "", "");
  add("content-language", "contentLanguage", "", "");
  add("cache-control", "cacheControl", "", "private, max-age=0");
  if (settings["metadata"].is_object() && call.target.kind == Target::Kind::kXmlObject) {
    for (const auto& [key, value] : settings["metadata"].as_object()) {
      const std::string name = "x-goog-meta-" + key;
      if (http::is_token(name) && value.is_string() && http::is_field_value(value.as_string())) {
        headers.add(name, value.as_string());
      }
    }
  }
}

http::Headers media_headers(const Call& call, const Object& object) {
  http::Headers headers;
  add_settings(headers, call, object);
  headers.add("x-goog-generation", std::to_string(object.generation));
  headers.add("x-goog-metageneration", std::to_string(object.metageneration));
  headers.add("x-goog-stored-content-encoding",
              object.settings.string_or("contentEncoding", "identity"));
  headers.add("x-goog-stored-content-length", std::to_string(object.size));
  headers.add("x-goog-hash", "crc32c=" + objects::crc32c_text(object.checksums.crc32c));
  if (!object.checksums.md5.empty()) {
    headers.add("x-goog-hash", "md5=" + base64(object.checksums.md5));
  }
  headers.add("x-goog-storage-class", object.settings.string_or("storageClass", "STANDARD"));
  headers.add("etag",
              fmt::format("\"{}\"", objects::etag(object.generation, object.metageneration)));
  headers.add("last-modified", http::format_http_date(object.updated));
  headers.add("accept-ranges", "bytes");
  // What users stored must not run as a page of this origin, which is the API's.
  headers.add("x-content-type-options", "nosniff");
  headers.add("content-security-policy", "sandbox; default-src 'none'");
  for (const auto& header : call.extra) headers.add(header.name, header.value);
  return headers;
}

/// 304 or 412 when conditions say so.
std::optional<http::Response> judge_media(const Call& call, const Object& object,
                                          const objects::Preconditions& conditions) {
  const std::pair own(object.generation, object.metageneration);
  const auto verdict = judge(conditions, own.first, own.second);
  if (verdict == objects::Verdict::kFails) {
    return error_reply(check(conditions, own.first, own.second).error());
  }
  bool is_same = verdict == objects::Verdict::kNotModified;
  http::for_each_element(call.request.headers.get("if-none-match"), [&](std::string_view tag) {
    is_same |= tag == "*" || parse_etag(tag) == std::optional(own);
  });
  if (!is_same) return std::nullopt;
  http::Response reply = empty_reply(304);
  reply.headers.add("etag", fmt::format("\"{}\"", objects::etag(own.first, own.second)));
  return reply;
}

void send_media(ObjectStore& store, const CallPtr& call, const Object& object,
                const objects::Preconditions& conditions) {
  if (auto early = judge_media(*call, object, conditions)) return call->answer(*std::move(early));
  const auto range = call->request.headers.find("range");
  const Slice slice = range ? parse_range(*range, object.size)
                            : Slice{.kind = Slice::Kind::kAll, .begin = 0, .end = object.size};
  http::Response head{.status = 200, .headers = media_headers(*call, object)};
  if (slice.kind == Slice::Kind::kNone) {
    auto reply = error_reply(416, "requestedRangeNotSatisfiable",
                             fmt::format("Request range not satisfiable: '{}' of {} bytes",
                                         range->substr(0, 80), object.size));
    reply.headers.add("content-range", fmt::format("bytes */{}", object.size));
    return call->answer(std::move(reply));
  }
  if (slice.kind == Slice::Kind::kPart) {
    head.status = 206;
    head.headers.add("content-range",
                     fmt::format("bytes {}-{}/{}", slice.begin, slice.end - 1, object.size));
  }
  head.headers.add("content-length", std::to_string(slice.end - slice.begin));
  if (call->request.method == "HEAD" || slice.begin == slice.end) {
    call->responder->start(std::move(head));
    return call->responder->end();
  }
  std::make_shared<Sender>(call, store.open_content(object.content), slice.begin, slice.end)
      ->send(std::move(head));
}

}  // namespace

void media_call(ObjectStore& store, const CallPtr& call) {
  const auto conditions = preconditions_of(*call);
  const auto generation = number_of(*call, "generation");
  if (!conditions) return call->answer(conditions.error());
  if (!generation) return call->answer(generation.error());
  if (!call->responder) {
    return call->answer(error_reply(400, "invalid", "A batch cannot carry contents (alt=media)"));
  }
  store.read<Object>(
      [target = call->target, generation = *generation](Catalog& catalog) {
        return catalog.object(target.bucket, target.object, generation);
      },
      [&store, call, conditions = *conditions](const Result<Object>& object) {
        if (!object) return call->answer(object.error());
        send_media(store, call, *object, conditions);
      });
}

}  // namespace thaw::storage_api
