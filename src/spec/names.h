// The rules for names of a service file. Each answers what is wrong with a name, or nothing.
//
// The answer fits behind the quoted name: "\"Demo\" " + "has a capital letter; ...".
// Thread: any. Owner: values. Limits: those the messages name.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace thaw::spec {

using NameFault = std::optional<std::string>;

/// Contract 4.2: RFC 1035 label in small letters, at most 49 characters. `---` is refused because
/// it parts tag and service in a host name.
NameFault service_name_fault(std::string_view name);
/// A revision's name: as above, up to 63 characters, "SERVICE-" in front.
NameFault revision_name_fault(std::string_view name, std::string_view service);
/// A traffic tag; with "---" and the service's name it must fit a DNS label of 63 characters.
NameFault tag_fault(std::string_view tag, std::string_view service);
/// Kubernetes' rule for environment variables, and the names the platform sets itself (1.1).
NameFault env_name_fault(std::string_view name);
/// Contract 1.1: printable, no blanks and no colon; values of visible ASCII, blanks and tabs.
NameFault header_name_fault(std::string_view name);
NameFault header_value_fault(std::string_view value);
/// Kubernetes' qualified names: [prefix/]name, and label values of at most 63 characters.
NameFault label_key_fault(std::string_view key);
NameFault label_value_fault(std::string_view value);

}  // namespace thaw::spec
