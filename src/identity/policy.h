// Policy: who may call a service, as IAM policies say it (google.iam.v1.Policy).
//
// One role counts, roles/run.invoker; others are kept. Conditions are refused: a rule that is not
// held would open what its author closed.
// Thread: any. Owner: values. Limits: kMaxBindings bindings, kMaxMembers members in all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace thaw::identity {

inline constexpr std::string_view kInvoker = "roles/run.invoker";
inline constexpr size_t kMaxBindings = 100;
inline constexpr size_t kMaxMembers = 1500;

struct Policy {
  struct Binding {
    std::string role;
    std::vector<std::string> members;  // "allUsers", "serviceAccount:worker@example.org", ...

    bool operator==(const Binding&) const = default;
  };
  std::vector<Binding> bindings;

  bool operator==(const Policy&) const = default;
};

/// roles/run.invoker for allUsers: what a service has until it is given another one.
Policy open_policy();

/// Whether anybody may call, without a token.
bool is_open(const Policy& policy);
/// Whether the account may call; `email` as its token has it.
bool admits(const Policy& policy, std::string_view email);

/// `etag`: what setIamPolicy must send back, if it sends one.
std::string etag_of(const Policy& policy);
Json policy_json(const Policy& policy);
/// Of a policy's JSON. kInvalidArgument names the field; kAborted: its etag is not `current`'s.
Result<Policy> read_policy(const Json& json, const Policy& current);

}  // namespace thaw::identity
