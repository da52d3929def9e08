#include "identity/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/base64.h"

namespace thaw::identity {
namespace {

constexpr size_t kLongestMember = 300;
constexpr std::array<std::string_view, 4> kKinds = {
    "user:", "serviceAccount:", "group:", "domain:"};

Error wrong(std::string field, std::string_view why) {
  return Error(Code::kInvalidArgument, fmt::format("{} {}", field, why));
}

bool has_member(const Policy& policy, std::string_view member) {
  return std::ranges::any_of(policy.bindings, [&](const Policy::Binding& binding) {
    return binding.role == kInvoker &&
           std::ranges::find(binding.members, member) != binding.members.end();
  });
}

Status check_member(const std::string& member, const std::string& field) {
  if (member == "allUsers" || member == "allAuthenticatedUsers") return {};
  const bool is_known = std::ranges::any_of(kKinds, [&](std::string_view kind) {
    return member.starts_with(kind) && member.size() > kind.size();
  });
  const bool is_plain = member.size() <= kLongestMember &&
                        std::ranges::all_of(member, [](char c) { return c > ' ' && c < 0x7f; });
  if (is_known && is_plain) return {};
  return wrong(field,
               "is no member: allUsers, allAuthenticatedUsers, serviceAccount:EMAIL, user:EMAIL, "
               "group:EMAIL or domain:NAME");
}

Result<Policy::Binding> read_binding(const Json& json, const std::string& field) {
  if (!json.is_object()) return wrong(field, "is no mapping");
  if (!json["condition"].is_null()) {
    return Error(Code::kUnimplemented,
                 fmt::format("{}.condition: conditions are not supported; leave it out", field));
  }
  Policy::Binding binding;
  binding.role = json.string_or("role");
  if (!binding.role.starts_with("roles/") || binding.role.size() > kLongestMember) {
    return wrong(field + ".role", "must begin with 'roles/', such as roles/run.invoker");
  }
  const Json& members = json["members"];
  if (!members.is_array()) return wrong(field + ".members", "is no list");
  for (const Json& member : members.as_array()) {
    const std::string at = fmt::format("{}.members[{}]", field, binding.members.size());
    if (!member.is_string()) return wrong(at, "is no string");
    RETURN_IF_ERROR(check_member(member.as_string(), at));
    binding.members.push_back(member.as_string());
  }
  return binding;
}

}  // namespace

Policy open_policy() { return {{{std::string(kInvoker), {"allUsers"}}}}; }

bool is_open(const Policy& policy) { return has_member(policy, "allUsers"); }

bool admits(const Policy& policy, std::string_view email) {
  return is_open(policy) || has_member(policy, "allAuthenticatedUsers") ||
         has_member(policy, fmt::format("serviceAccount:{}", email)) ||
         has_member(policy, fmt::format("user:{}", email));
}

std::string etag_of(const Policy& policy) {
  // FNV-1a; it tells versions apart, it guards nothing.
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : policy_json(policy)["bindings"].dump()) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return base64(std::string_view(reinterpret_cast<const char*>(&hash), sizeof hash));
}

Json policy_json(const Policy& policy) {
  Json bindings = Json::array();
  for (const Policy::Binding& it : policy.bindings) {
    Json members = Json::array();
    for (const std::string& member : it.members) members.push_back(member);
    bindings.push_back(Json::object({{"role", it.role}, {"members", std::move(members)}}));
  }
  return Json::object({{"version", 1}, {"bindings", std::move(bindings)}});
}

Result<Policy> read_policy(const Json& json, const Policy& current) {
  if (!json.is_object()) return wrong("policy", "is no mapping");
  const std::string etag = json.string_or("etag");
  if (!etag.empty() && etag != etag_of(current)) {
    return Error(Code::kAborted,
                 "policy.etag: somebody else changed the policy meanwhile; read it again");
  }
  const Json& bindings = json["bindings"];
  if (!bindings.is_null() && !bindings.is_array()) return wrong("policy.bindings", "is no list");
  Policy policy;
  size_t members = 0;
  if (bindings.is_array()) {
    if (bindings.as_array().size() > kMaxBindings) {
      return wrong("policy.bindings", fmt::format("has more than {} bindings", kMaxBindings));
    }
    for (const Json& each : bindings.as_array()) {
      const std::string field = fmt::format("policy.bindings[{}]", policy.bindings.size());
      ASSIGN_OR_RETURN(Policy::Binding binding, read_binding(each, field));
      members += binding.members.size();
      if (members > kMaxMembers) {
        return wrong("policy.bindings", fmt::format("have more than {} members", kMaxMembers));
      }
      if (!binding.members.empty()) policy.bindings.push_back(std::move(binding));
    }
  }
  return policy;
}

}  // namespace thaw::identity
