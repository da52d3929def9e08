#include "pubsub_api/definitions.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver.h>
#include <google/protobuf/util/type_resolver_util.h>

#include "base/check.h"

namespace thaw::pubsub_api {

std::string_view pubsub_descriptors();  // made while building: cmake/protos.cmake

namespace {

namespace pb = google::protobuf;
constexpr const char* kUrl = "type.googleapis.com";

std::string url_of(const std::string& type) { return fmt::format("{}/{}", kUrl, type); }

std::string text_of(const pb::util::Status& status) { return std::string(status.message()); }

}  // namespace

struct Definitions::Pool {
  Pool() : pool(&database), resolver(pb::util::NewTypeResolverForDescriptorPool(kUrl, &pool)) {
    pb::FileDescriptorSet set;
    const std::string_view bytes = pubsub_descriptors();
    CHECK(set.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    for (const pb::FileDescriptorProto& file : set.file()) CHECK(database.Add(file));
  }
  pb::SimpleDescriptorDatabase database;
  pb::DescriptorPool pool;
  std::unique_ptr<pb::util::TypeResolver> resolver;
};

Definitions::Definitions() = default;
Definitions::~Definitions() = default;

Definitions::Pool& Definitions::pool() {
  if (pool_ == nullptr) pool_ = std::make_unique<Pool>();
  return *pool_;
}

Result<Definitions::Method> Definitions::method(std::string_view path) {
  std::string name(path.substr(path.starts_with('/') ? 1 : 0));
  if (const size_t slash = name.find('/'); slash != std::string::npos) name[slash] = '.';
  const pb::MethodDescriptor* const found = pool().pool.FindMethodByName(name);
  if (found == nullptr) {
    return Error(Code::kUnimplemented, fmt::format("{}: there is no such method", path));
  }
  const bool streams = found->client_streaming() || found->server_streaming();
  return Method{.name = found->service()->name() + "." + found->name(),
                .input = found->input_type()->full_name(),
                .output = found->output_type()->full_name(),
                .calls = streams ? Method::Calls::kStreaming : Method::Calls::kUnary};
}

Result<Json> Definitions::to_json(const std::string& type, const std::string& bytes) {
  std::string text;
  const auto status =
      pb::util::BinaryToJsonString(pool().resolver.get(), url_of(type), bytes, &text);
  if (!status.ok()) {
    return Error(Code::kInvalidArgument, fmt::format("{}: {}", type, text_of(status)));
  }
  return Json::parse(text);
}

Result<std::string> Definitions::to_bytes(const std::string& type, const Json& json) {
  std::string bytes;
  const auto status =
      pb::util::JsonToBinaryString(pool().resolver.get(), url_of(type), json.dump(), &bytes);
  if (!status.ok()) {
    return Error(Code::kInternal, fmt::format("{}: {}", type, text_of(status)));
  }
  return bytes;
}

}  // namespace thaw::pubsub_api
