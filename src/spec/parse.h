// Reading services: from the text of a service file (YAML or JSON), or from a Json of the API.
//
// All faults found are reported, not the first only. What is read has passed every rule of the
// contract; defaults are not filled in (defaults.h), so that emit.h can print what was written.
// Thread: any. Owner: values. Limits: a file of at most 1 MiB, 32 levels, 20 000 values (aliases
// expanded), exactly one document; at most 20 faults are listed. Beyond: kInvalidArgument.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "spec/report.h"
#include "spec/service.h"

namespace thaw::spec {

/// `file_name` is only for messages. The error's message has one line a fault:
/// "service.yaml:7:9: spec.template...memory: "100Mi" is too little; ...". When `violations` is
/// given it receives the same faults, structured; without a fault it is left empty.
Result<Service> parse_service(std::string_view text, std::string_view file_name,
                              std::vector<FieldViolation>* violations = nullptr);

/// The same rules and messages, without lines.
Result<Service> service_from_json(const Json& json,
                                  std::vector<FieldViolation>* violations = nullptr);

/// For what the platform itself has stored (to_json) and reads back: rules that have become
/// stricter since do not lose a service. kDataLoss when it could not be run: settings_of's
/// precondition holds for what is returned.
Result<Service> service_from_store(const Json& json);
Result<RevisionTemplate> template_from_store(const Json& json);

/// Holds a service that was not parsed but put together (say, from flags) to the same rules.
Status validate(const Service& service, std::vector<FieldViolation>* violations = nullptr);

}  // namespace thaw::spec
