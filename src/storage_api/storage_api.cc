#include "storage_api/storage_api.h"

#include <fmt/format.h>

#include "http/query.h"
#include "http/text.h"
#include "objects/resource_json.h"
#include "storage_api/batch.h"
#include "storage_api/copying.h"
#include "storage_api/cors.h"
#include "storage_api/handlers.h"
#include "storage_api/reply.h"
#include "storage_api/sessions.h"

namespace thaw::storage_api {
namespace {

using Kind = Target::Kind;
using objects::Bucket;
using objects::Catalog;

constexpr size_t kLargestJson = 1 << 20;
constexpr size_t kLargestBatch = 10 << 20;

/// Reads a small body into request.body.
class Collector : public std::enable_shared_from_this<Collector> {
 public:
  Collector(CallPtr call, size_t most, std::function<void()> done)
      : call_(std::move(call)), most_(most), done_(std::move(done)) {}

  void next() {
    call_->body->next([self = shared_from_this()](http::BodyStream::Got got, std::string piece) {
      self->take(got, piece);
    });
  }

 private:
  void take(http::BodyStream::Got got, const std::string& piece) {
    if (got == http::BodyStream::Got::kBroken) return;
    if (got == http::BodyStream::Got::kEnd) {
      call_->body.reset();
      return done_();
    }
    if (call_->request.body.size() + piece.size() > most_) {
      return call_->answer(
          error_reply(413, "uploadTooLarge", fmt::format("The body has over {} bytes", most_)));
    }
    call_->request.body += piece;
    next();
  }

  CallPtr call_;
  size_t most_;
  std::function<void()> done_;
};

bool brings_content(const Call& call) {
  const std::string& method = call.request.method;
  if (call.target.kind == Kind::kUpload) {
    return method == "PUT" || call.query("uploadType") != "resumable";
  }
  const bool is_copy = names_copy_source(call.request.headers) && call.query("upload_id").empty();
  return call.target.kind == Kind::kXmlObject && method == "PUT" && !is_copy;
}

/// Queries that address a part of an object, or an operation on it, of which there is none here.
/// Without them the call would be taken for one of the object itself.
Status check_sub_resource(const Call& call) {
  constexpr std::string_view kNames[] = {"acl",        "attributes", "compose",      "encryption",
                                         "legal-hold", "partNumber", "renameObject", "restore",
                                         "retention",  "select",     "select-type",  "tagging",
                                         "torrent",    "uploadId",   "uploads"};
  if (call.target.kind != Kind::kXmlObject) return {};
  for (const std::string_view name : kNames) {
    if (!http::find(call.request.query, name)) continue;
    return Error(Code::kUnimplemented,
                 fmt::format("{} with '?{}' is not known here; the JSON API and resumable uploads "
                             "may do what is meant",
                             call.request.method, name));
  }
  return {};
}

std::string base_url_of(const http::Request& request) {
  const std::string host = request.host.empty() ? "localhost" : request.host;
  return fmt::format("{}://{}", request.scheme(), host);
}

}  // namespace

class StorageApi::Impl {
 public:
  Impl(objects::ObjectStore& store, Signatories& signatories, IsTaken is_taken)
      : store_(store), signatories_(signatories), is_taken_(is_taken), sessions_(store) {}

  bool takes(const http::Request& head) const { return target_of(head, is_taken_).has_value(); }

  void handle(const CallPtr& call, Origin origin) {
    if (const auto target = target_of(call->request, is_taken_)) call->target = *target;
    if (const auto refusal = check_signature(*call)) {
      return refuse_upload(call, xml_reply(*refusal));
    }
    if (origin == Origin::kOwn) return dispatch_whole(call);
    store_.read<Bucket>(
        [name = call->target.bucket](Catalog& catalog) { return catalog.bucket(name); },
        [this, call](const Result<Bucket>& bucket) {
          const auto headers =
              bucket ? cors_headers(bucket->settings["cors"], call->request) : std::nullopt;
          if (!headers) {
            return refuse_upload(call, Error(Code::kPermissionDenied,
                                             "web pages of other sites may call this API only "
                                             "where the bucket's cors rules name their origin and "
                                             "the method"));
          }
          if (call->request.method == "OPTIONS") return call->answer({200, *headers, ""});
          call->extra = *headers;
          dispatch_whole(call);
        });
  }

 private:
  /// What is wrong with a signed URL. One that is not signed is anybody's; what goes on with an
  /// upload that a signed one began has the upload's secret name instead.
  std::optional<XmlError> check_signature(const Call& call) {
    const bool is_xml =
        call.target.kind == Kind::kXmlObject || call.target.kind == Kind::kXmlBucket;
    if (!is_xml || !is_signed(call.request.query)) return std::nullopt;
    std::string resource = call.request.path;
    if (const auto bucket = bucket_of_host(call.request.host)) resource = "/" + *bucket + resource;
    const auto reading = read_signed_url(call.request, resource, store_.now());
    if (const auto* fault = std::get_if<XmlError>(&reading)) return *fault;
    return refusal_of(std::get<SignedUrl>(reading), signatories_);
  }

  /// Small bodies are read first.
  void dispatch_whole(const CallPtr& call) {
    if (const Status known = check_sub_resource(*call); !known) {
      return refuse_upload(call, known.error());
    }
    if (brings_content(*call)) return dispatch_content(call);
    const size_t most = call->target.kind == Kind::kBatch ? kLargestBatch : kLargestJson;
    std::make_shared<Collector>(call, most, [this, call] { dispatch(call); })->next();
  }

  void dispatch_content(const CallPtr& call) {
    const std::string& method = call->request.method;
    const std::string type = call->query("uploadType");
    if (!call->query("upload_id").empty()) return sessions_.go_on(call);
    if (call->target.kind == Kind::kXmlObject) return xml_upload_call(store_, call);
    if (method == "POST" && type == "media") return media_upload_call(store_, call);
    if (method == "POST" && type == "multipart") return multipart_upload_call(store_, call);
    refuse_upload(call, Error(Code::kInvalidArgument,
                              fmt::format("uploadType '{}' with {}: POST with media, multipart or "
                                          "resumable, or PUT with an upload_id is wanted",
                                          type, method)));
  }

  void start_session(const CallPtr& call) {
    const auto metadata = json_body(*call);
    if (!metadata) return call->answer(metadata.error());
    sessions_.start(call, *metadata);
  }

  void upload_call(const CallPtr& call) {
    const std::string& method = call->request.method;
    if (method == "DELETE") return sessions_.go_on(call);
    if (method == "POST") return start_session(call);
    call->answer(method_not_allowed(*call, "POST, PUT, DELETE"));
  }

  void xml_call(const CallPtr& call) {
    const std::string& method = call->request.method;
    if (method == "GET" || method == "HEAD") return media_call(store_, call);
    if (method == "PUT") return xml_copy_call(store_, call);  // others bring content
    if (method == "DELETE" && !call->query("upload_id").empty()) return sessions_.go_on(call);
    if (method == "DELETE") return object_call(store_, call);
    if (method == "POST" && call->request.headers.get("x-goog-resumable") == "start") {
      Json metadata = Json::object({{"name", call->target.object}});
      return sessions_.start(call, metadata);
    }
    call->answer(method_not_allowed(*call, "GET, HEAD, PUT, DELETE"));
  }

  void dispatch(const CallPtr& call) {
    switch (call->target.kind) {
      case Kind::kBuckets:
        return buckets_call(store_, call, is_taken_);
      case Kind::kBucket:
        return bucket_call(store_, call);
      case Kind::kBucketPart:
        return bucket_part_call(store_, call);
      case Kind::kObjects:
        return list_call(store_, call);
      case Kind::kObject:
        return object_call(store_, call);
      case Kind::kCompose:
        return compose_call(store_, call);
      case Kind::kRestore:
        return restore_call(store_, call);
      case Kind::kRewrite:
      case Kind::kCopy:
        return copy_call(store_, call);
      case Kind::kServiceAccount:
        return service_account_call(call);
      case Kind::kUpload:
        return upload_call(call);
      case Kind::kBatch:
        return batch_call(call);
      case Kind::kXmlObject:
        return xml_call(call);
      case Kind::kXmlBucket:
      case Kind::kUnknown:
        return call->answer(error_reply(
            404, "notFound",
            fmt::format("no such method here: {} {}", call->request.method, call->request.path)));
    }
  }

  void service_account_call(const CallPtr& call) {
    const std::string email = fmt::format("service-{}@gs-project-accounts.iam.gserviceaccount.com",
                                          objects::project_number(call->target.bucket));
    call->answer(
        json_reply(Json::object({{"kind", "storage#serviceAccount"}, {"email_address", email}})));
  }

  void batch_call(const CallPtr& call) {
    if (call->request.method != "POST") return call->answer(method_not_allowed(*call, "POST"));
    run_batch(call, [this](const CallPtr& part) {
      const auto target = parse_target(part->request.path, is_taken_);
      if (target) part->target = *target;
      const bool fits = part->target.kind != Kind::kBatch && part->target.kind != Kind::kUpload &&
                        part->target.kind != Kind::kXmlObject;
      if (fits) return dispatch(part);
      part->answer(error_reply(400, "invalid",
                               "A batch carries calls of the JSON API without contents only"));
    });
  }

  objects::ObjectStore& store_;
  Signatories& signatories_;
  IsTaken is_taken_;
  Sessions sessions_;
};

StorageApi::StorageApi(objects::ObjectStore& store, Signatories& signatories, IsTaken is_taken)
    : impl_(std::make_unique<Impl>(store, signatories, is_taken)) {}
StorageApi::~StorageApi() = default;

bool StorageApi::takes(const http::Request& head) const { return impl_->takes(head); }

void StorageApi::handle(http::Request request, http::BodyStream body, http::Responder responder,
                        Origin origin) {
  const auto call = std::make_shared<Call>();
  call->base_url = base_url_of(request);
  call->request = std::move(request);
  call->body.emplace(std::move(body));
  call->responder.emplace(std::move(responder));
  impl_->handle(call, origin);
}

}  // namespace thaw::storage_api
