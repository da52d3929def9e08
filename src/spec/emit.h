// Writing services: the v1 JSON shape of the API and the YAML that gcloud's export prints.
//
// What is written reads back as the same value: parse_service(to_yaml(x)) == x for every x that
// parse_service or apply_defaults made. Keys come in the order gcloud prints (alphabetical).
// Thread: any. Owner: values. Limits: none.
#pragma once

#include <string>

#include "base/json.h"
#include "spec/service.h"

namespace thaw::spec {

/// serving.knative.dev/v1 Service; status is left out when the platform has not written any.
Json to_json(const Service& service);
/// The `{metadata, spec}` of a revision, as spec.template holds it.
Json to_json(const RevisionTemplate& revision);
Json to_json(const Condition& condition);
Json to_json(const TrafficTarget& target);
std::string to_yaml(const Service& service);
/// Any value as YAML in block style; every string reads back as the same string.
std::string yaml_text(const Json& value);

/// False when deploying `b` over `a` makes a new revision (contract 2.1): anything of the template
/// differs after defaults, apart from a client's own marks (nonce, client-name, client-version).
bool template_equal(const RevisionTemplate& a, const RevisionTemplate& b);

}  // namespace thaw::spec
