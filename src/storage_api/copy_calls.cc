#include <fmt/format.h>

#include "objects/names.h"
#include "objects/resource_json.h"
#include "objects/settings.h"
#include "storage_api/copying.h"
#include "storage_api/handlers.h"
#include "storage_api/intake.h"
#include "storage_api/ranges.h"
#include "storage_api/reply.h"

namespace thaw::storage_api {
namespace {

using objects::Catalog;
using objects::Content;
using objects::ContentWriter;
using objects::Object;
using objects::Preconditions;

constexpr size_t kMostSources = 32;

/// A copy has the source's settings, unless the caller sends some.
Result<Json> copied_settings(const Json& source, const Json& sent) {
  ASSIGN_OR_RETURN(Json own,
                   objects::merge_object_settings(Json::object(), sent, objects::Merge::kReplace));
  if (own.as_object().empty()) return source;
  if (own.find("contentType") == nullptr && source.find("contentType") != nullptr) {
    own.set("contentType", source["contentType"]);
  }
  return own;
}

struct Source {
  std::string name;
  std::optional<int64_t> generation;
  Preconditions conditions;
};

std::optional<int64_t> read_number(const Json& value) {
  if (value.is_int()) return value.as_int();
  if (!value.is_string()) return std::nullopt;
  return parse_count(value.as_string());
}

Result<std::vector<Source>> read_sources(const Json& body) {
  const Json& list = body["sourceObjects"];
  if (!list.is_array() || list.as_array().empty() || list.as_array().size() > kMostSources) {
    return Error(Code::kInvalidArgument,
                 fmt::format("sourceObjects: an array of 1 to {} objects is wanted", kMostSources));
  }
  std::vector<Source> sources;
  for (const Json& each : list.as_array()) {
    Source source{.name = each.string_or("name"), .generation = read_number(each["generation"])};
    RETURN_IF_ERROR(objects::check_object_name(source.name));
    source.conditions.generation = read_number(each["objectPreconditions"]["ifGenerationMatch"]);
    sources.push_back(std::move(source));
  }
  return sources;
}

/// Joins contents one after another, then makes the object.
class Composition : public std::enable_shared_from_this<Composition> {
 public:
  Composition(ObjectStore& store, CallPtr call, Preconditions conditions, Json settings)
      : store_(store),
        call_(std::move(call)),
        conditions_(std::move(conditions)),
        settings_(std::move(settings)),
        writer_(store.new_content()) {}

  void join(std::vector<Object> sources) {
    sources_ = std::move(sources);
    next();
  }

 private:
  void next() {
    if (at_ == sources_.size()) {
      writer_->finish_joined(crc_, [self = shared_from_this()](Result<Content> content) {
        if (!content) return self->call_->answer(content.error());
        self->commit(*std::move(content));
      });
      return;
    }
    const Object& source = sources_[at_++];
    crc_ = objects::join_crc32c(crc_, source.checksums.crc32c, source.size);
    components_ += std::max<int64_t>(source.components, 1);
    writer_->append_content(source.content, [self = shared_from_this()](const Status& status) {
      status ? self->next() : self->call_->answer(status.error());
    });
  }

  void commit(Content content) {
    Object made{.bucket = call_->target.bucket, .name = call_->target.object};
    made.content = content.id;
    made.size = content.size;
    made.checksums = content.checksums;
    made.components = components_;
    made.settings = settings_;
    store_.change<Object>(
        [made = std::move(made), conditions = conditions_](Catalog& catalog) {
          return catalog.put(made, conditions);
        },
        [self = shared_from_this()](const Result<Object>& object) {
          if (!object) return self->call_->answer(object.error());
          self->writer_->release();
          self->call_->answer(json_reply(objects::object_json(*object, self->call_->base_url)));
        });
  }

  ObjectStore& store_;
  CallPtr call_;
  Preconditions conditions_;
  Json settings_;
  std::shared_ptr<ContentWriter> writer_;
  std::vector<Object> sources_;
  size_t at_ = 0;
  uint32_t crc_ = 0;
  int64_t components_ = 0;
};

}  // namespace

/// Both objects share one content afterwards.
Result<Object> copy(Catalog& catalog, const Copy& what) {
  const Target& target = what.target;
  ASSIGN_OR_RETURN(const Object source,
                   catalog.object(target.bucket, target.object, what.generation));
  RETURN_IF_ERROR(check(what.source_conditions, source.generation, source.metageneration));
  Object made = source;
  made.bucket = target.to_bucket;
  made.name = target.to_object;
  ASSIGN_OR_RETURN(made.settings, copied_settings(source.settings, what.sent));
  mark_hops(made.settings, what.hops);
  // Of a source whose hold was released; the copy is held as its own bucket wants it.
  const bool says_so = what.sent.find("eventBasedHold") != nullptr;
  if (!says_so && !made.settings.bool_or("eventBasedHold", true)) {
    std::erase_if(made.settings.as_object(),
                  [](const auto& member) { return member.first == "eventBasedHold"; });
  }
  return catalog.put(std::move(made), what.conditions);
}

void copy_call(ObjectStore& store, const CallPtr& call) {
  if (call->request.method != "POST") return call->answer(method_not_allowed(*call, "POST"));
  auto body = json_body(*call);
  auto conditions = preconditions_of(*call);
  auto source_conditions = preconditions_of(*call, Side::kSource);
  auto generation = number_of(*call, "sourceGeneration");
  if (!body) return call->answer(body.error());
  if (!conditions) return call->answer(conditions.error());
  if (!source_conditions) return call->answer(source_conditions.error());
  if (!generation) return call->answer(generation.error());
  Copy what{call->target, *generation,      *source_conditions,
            *conditions,  *std::move(body), std::string(call->request.headers.get(kHopsHeader))};
  const bool is_rewrite = call->target.kind == Target::Kind::kRewrite;
  store.change<Object>([what = std::move(what)](Catalog& catalog) { return copy(catalog, what); },
                       answering<Object>(call, [call, is_rewrite](const Object& object) {
                         Json resource = objects::object_json(object, call->base_url);
                         if (!is_rewrite) return json_reply(resource);
                         const std::string size = std::to_string(object.size);
                         return json_reply(Json::object({{"kind", "storage#rewriteResponse"},
                                                         {"totalBytesRewritten", size},
                                                         {"objectSize", size},
                                                         {"done", true},
                                                         {"resource", std::move(resource)}}));
                       }));
}

void compose_call(ObjectStore& store, const CallPtr& call) {
  if (call->request.method != "POST") return call->answer(method_not_allowed(*call, "POST"));
  const auto body = json_body(*call);
  if (!body) return call->answer(body.error());
  auto sources = read_sources(*body);
  auto conditions = preconditions_of(*call);
  const Json& destination = (*body)["destination"];
  auto settings = objects::merge_object_settings(
      Json::object(), destination.is_null() ? Json::object() : destination,
      objects::Merge::kReplace);
  if (!sources) return call->answer(sources.error());
  if (!conditions) return call->answer(conditions.error());
  if (!settings) return call->answer(settings.error());
  mark_hops(*settings, call->request.headers.get(kHopsHeader));
  if (const Status fit = objects::check_object_name(call->target.object); !fit) {
    return call->answer(fit.error());
  }
  const auto composition =
      std::make_shared<Composition>(store, call, *conditions, *std::move(settings));
  using Objects = std::vector<Object>;
  store.read<Objects>(
      [bucket = call->target.bucket,
       sources = *std::move(sources)](Catalog& catalog) -> Result<Objects> {
        Objects found;
        for (const Source& source : sources) {
          ASSIGN_OR_RETURN(Object object, catalog.object(bucket, source.name, source.generation));
          RETURN_IF_ERROR(check(source.conditions, object.generation, object.metageneration));
          found.push_back(std::move(object));
        }
        return found;
      },
      [call, composition](Result<Objects> found) {
        if (!found) return call->answer(found.error());
        composition->join(*std::move(found));
      });
}

}  // namespace thaw::storage_api
