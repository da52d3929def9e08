// Uploads in one request: the bytes as they are, or with their metadata as multipart/related.
#include <fmt/format.h>

#include <algorithm>

#include "http/text.h"
#include "objects/resource_json.h"
#include "storage_api/handlers.h"
#include "storage_api/intake.h"
#include "storage_api/multipart.h"
#include "storage_api/pump.h"
#include "storage_api/reply.h"

namespace thaw::storage_api {
namespace {

using objects::Catalog;
using objects::Content;
using objects::ContentWriter;
using objects::Object;

constexpr size_t kLargestMetadata = 1 << 20;

/// One upload from its first byte to its answer.
class Upload : public std::enable_shared_from_this<Upload> {
 public:
  Upload(ObjectStore& store, CallPtr call)
      : store_(store), call_(std::move(call)), writer_(store.new_content()) {}

  /// The body is the content.
  void receive(Intake intake) {
    intake_ = std::move(intake);
    if (!intake_->sizes) return pump(nullptr);
    pump([this](std::string piece) -> Result<std::string> {
      RETURN_IF_ERROR(count(piece.size()));
      return piece;
    });
  }

  /// The body is metadata and content.
  void receive_parts(std::string_view boundary) {
    MultipartReader::Events events;
    events.on_part = [this](http::Headers headers) { return begin_part(std::move(headers)); };
    events.on_content = [this](std::string_view content) -> Status {
      std::string& to = parts_ == 1 ? metadata_ : content_;
      if (parts_ == 1 && to.size() + content.size() > kLargestMetadata) {
        return Error(Code::kInvalidArgument, "The metadata has over 1 MiB");
      }
      to += content;
      return {};
    };
    events.on_part_end = [] { return Status(); };
    reader_.emplace(boundary, std::move(events));
    pump([this](const std::string& piece) -> Result<std::string> {
      RETURN_IF_ERROR(reader_->add(piece));
      RETURN_IF_ERROR(count(content_.size()));
      return std::exchange(content_, {});
    });
  }

 private:
  /// More content came; what is too long already is not stored to its end.
  Status count(size_t more) {
    have_ += static_cast<int64_t>(more);
    const bool fits = !intake_ || !intake_->sizes || have_ <= intake_->sizes->most;
    return fits ? Status() : intake_->sizes->too_large();
  }

  void pump(Pump::Filter filter) {
    std::make_shared<Pump>(*std::exchange(call_->body, std::nullopt), writer_, std::move(filter),
                           [self = shared_from_this()](Status status, Pump::End end) {
                             self->received(std::move(status), end);
                           })
        ->start();
  }

  Status begin_part(http::Headers headers) {
    if (++parts_ == 1) return {};
    if (parts_ > 2) return Error(Code::kInvalidArgument, "Two parts are wanted, more came");
    auto json = Json::parse(metadata_);
    if (!json) return std::move(json).error().with_context("The metadata part is no JSON");
    ASSIGN_OR_RETURN(intake_, Intake::read(*call_, *json, headers.get("content-type")));
    return {};
  }

  void received(Status status, Pump::End end) {
    if (status && end == Pump::End::kBroken) return;  // nobody is there to be told
    if (status && reader_) status = reader_->end();
    if (status && !intake_) {
      status = Error(Code::kInvalidArgument, "Two parts are wanted: metadata and content");
    }
    if (status) status = intake_->add_promises(call_->request.headers);
    if (!status) return call_->answer(status.error());
    writer_->finish([self = shared_from_this()](Result<Content> content) {
      if (!content) return self->call_->answer(content.error());
      if (const Status kept = self->intake_->check(*content); !kept) {
        return self->call_->answer(kept.error());
      }
      self->commit(*content);
    });
  }

  void commit(const Content& content) {
    store_.change<Object>([object = intake_->object(content), conditions = intake_->conditions](
                              Catalog& catalog) { return catalog.put(object, conditions); },
                          [self = shared_from_this()](const Result<Object>& object) {
                            if (!object) return self->call_->answer(object.error());
                            self->writer_->release();
                            self->answer(*object);
                          });
  }

  void answer(const Object& object) {
    if (call_->target.kind == Target::Kind::kXmlObject) {
      http::Response reply = empty_reply(200);
      reply.headers.add("etag", fmt::format("\"{}\"", objects::etag(object.generation, 1)));
      reply.headers.add("x-goog-generation", std::to_string(object.generation));
      reply.headers.add("x-goog-metageneration", "1");
      reply.headers.add("x-goog-hash", "crc32c=" + objects::crc32c_text(object.checksums.crc32c));
      return call_->answer(std::move(reply));
    }
    call_->answer(json_reply(objects::object_json(object, call_->base_url)));
  }

  ObjectStore& store_;
  CallPtr call_;
  std::shared_ptr<ContentWriter> writer_;
  std::optional<Intake> intake_;
  int64_t have_ = 0;  // bytes of content that came
  std::optional<MultipartReader> reader_;
  int parts_ = 0;
  std::string metadata_;
  std::string content_;  // of the piece that is taken apart
};

/// Whether the upload can succeed as things are, so that a refusal costs no transfer.
void look_first(ObjectStore& store, const CallPtr& call, const objects::Preconditions& conditions,
                const std::string& name, std::function<void()> go_on) {
  store.read<bool>(
      [bucket = call->target.bucket, name, conditions](Catalog& catalog) -> Result<bool> {
        ASSIGN_OR_RETURN(const auto found, catalog.bucket(bucket));
        if (conditions.empty() || name.empty()) return true;
        const auto object = catalog.object(bucket, name);
        if (!object && object.error().code() != Code::kNotFound) return object.error();
        RETURN_IF_ERROR(check(conditions, object ? object->generation : 0,
                              object ? object->metageneration : 0));
        return true;
      },
      [call, go_on = std::move(go_on)](const Result<bool>& fit) {
        fit ? go_on() : refuse_upload(call, fit.error());
      });
}

}  // namespace

void refuse_upload(const CallPtr& call, const Error& error) {
  refuse_upload(call, call->fault(error));
}

void refuse_upload(const CallPtr& call, http::Response answer) {
  // A client that asked first, or sends nothing, need not be listened to.
  const bool asks_first = call->request.headers.find("expect").has_value();
  if (asks_first || !call->body) return call->answer(std::move(answer));
  struct Drain : std::enable_shared_from_this<Drain> {
    Drain(CallPtr c, http::Response a) : call(std::move(c)), answer(std::move(a)) {}
    void next() {
      call->body->next([self = shared_from_this()](http::BodyStream::Got got, std::string piece) {
        self->left -= std::min(self->left, piece.size());
        const bool more = got == http::BodyStream::Got::kContent && self->left > 0;
        more ? self->next() : self->call->answer(std::move(self->answer));
      });
    }
    CallPtr call;
    http::Response answer;
    size_t left = 64 << 20;
  };
  std::make_shared<Drain>(call, std::move(answer))->next();
}

void media_upload_call(ObjectStore& store, const CallPtr& call) {
  auto intake = Intake::read(*call, Json::object(), call->request.headers.get("content-type"));
  if (!intake) return refuse_upload(call, intake.error());
  look_first(store, call, intake->conditions, intake->name, [&store, call, intake = *intake] {
    std::make_shared<Upload>(store, call)->receive(intake);
  });
}

void multipart_upload_call(ObjectStore& store, const CallPtr& call) {
  auto boundary = boundary_of(call->request.headers.get("content-type"));
  auto conditions = preconditions_of(*call);
  if (!conditions) return refuse_upload(call, conditions.error());
  if (!boundary) {
    return refuse_upload(call, Error(Code::kInvalidArgument,
                                     "Content-Type: multipart/related with a boundary of 1 to 200 "
                                     "characters is wanted"));
  }
  look_first(store, call, *conditions, call->query("name"),
             [&store, call, boundary = *std::move(boundary)] {
               std::make_shared<Upload>(store, call)->receive_parts(boundary);
             });
}

void xml_upload_call(ObjectStore& store, const CallPtr& call) {
  Json metadata = settings_of_headers(call->request.headers);
  metadata.set("name", call->target.object);
  auto intake = Intake::read(*call, metadata, "");
  if (!intake) return refuse_upload(call, intake.error());
  look_first(store, call, intake->conditions, intake->name, [&store, call, intake = *intake] {
    std::make_shared<Upload>(store, call)->receive(intake);
  });
}

}  // namespace thaw::storage_api
