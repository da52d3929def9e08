#include "spec/parse.h"

#include <fmt/format.h>

#include <algorithm>

#include "spec/decode.h"
#include "spec/documents.h"
#include "spec/emit.h"
#include "spec/fields.h"
#include "spec/reader.h"
#include "spec/rules.h"
#include "spec/settings.h"
#include "spec/shape.h"

namespace thaw::spec {
namespace {

constexpr size_t kLargestFile = size_t{1} << 20;

/// How many bytes a UTF-8 character takes at the front of `text`; 0 when there is none.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = byte(0);
  const size_t length = first < 0x80   ? 1
                        : first < 0xc2 ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool surrogate = first == 0xed && byte(1) > 0x9f;
  const bool too_large = first == 0xf4 && byte(1) > 0x8f;
  return overlong || surrogate || too_large ? 0 : length;
}

/// Finds the first byte that no text file has: so a picture or a program is refused at once.
bool is_text(std::string_view text, FieldViolation& fault) {
  size_t line_start = 0;
  fault.line = 1;
  for (size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    const size_t length = utf8_length(text.substr(at));
    const bool control = (c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7f;
    if (length == 0 || control) {
      fault.column = static_cast<int>(at - line_start) + 1;
      fault.description = fmt::format("the byte 0x{:02x} is {}; a service file is UTF-8 text", c,
                                      control ? "a control character" : "not UTF-8");
      return false;
    }
    at += length;
    if (c == '\n') {
      ++fault.line;
      line_start = at;
    }
  }
  return true;
}

/// JSON by its look; JSON that is none may still be YAML in flow style.
std::optional<Node> read_tree(std::string_view text, std::string_view file_name,
                              FieldViolation& fault) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool looks_json = first != std::string_view::npos && text[first] == '{';
  if (!looks_json) return read_yaml(text, fault);
  if (auto tree = read_json(text, fault)) return tree;
  if (file_name.ends_with(".json")) return std::nullopt;
  FieldViolation json_fault = std::move(fault);
  auto tree = read_yaml(text, fault);
  if (!tree) fault = std::move(json_fault);
  return tree;
}

Result<Service> finish(const Report& report, std::string_view file_name, Service service,
                       std::vector<FieldViolation>* violations) {
  if (violations) *violations = report.listed();
  if (!report.empty()) return report.error(file_name);
  return service;
}

Result<Service> from_tree(const Node& tree, std::string_view file_name,
                          std::vector<FieldViolation>* violations) {
  Report report;
  check_shape(tree, report);
  Service service;
  if (tree.kind == Node::Kind::kMap) {
    service = decode_service(tree);
    check_rules(service, tree, report);
  }
  return finish(report, file_name, std::move(service), violations);
}

}  // namespace

Result<Service> parse_service(std::string_view text, std::string_view file_name,
                              std::vector<FieldViolation>* violations) {
  FieldViolation fault;
  std::optional<Node> tree;
  if (text.size() > kLargestFile) {
    fault.description =
        fmt::format("the file has {} bytes; a service file has at most 1 MiB", text.size());
  } else if (is_text(text, fault)) {
    tree = read_tree(text, file_name, fault);
  }
  if (tree) return from_tree(*tree, file_name, violations);
  Report report;
  report.add(std::move(fault));
  return finish(report, file_name, {}, violations);
}

Result<std::vector<Node>> read_documents(std::string_view text, std::string_view file_name) {
  FieldViolation fault;
  std::vector<Node> documents;
  if (text.size() > kLargestFile) {
    fault.description = fmt::format("the file has {} bytes; at most 1 MiB is read", text.size());
  } else if (is_text(text, fault)) {
    if (auto json = file_name.ends_with(".json") ? read_json(text, fault) : std::nullopt) {
      documents.push_back(*std::move(json));
    } else if (!file_name.ends_with(".json")) {
      documents = read_yaml_documents(text, fault);
    }
  }
  if (!documents.empty()) return documents;
  Report report;
  report.add(std::move(fault));
  return report.error(file_name);
}

Result<Service> service_from_node(const Node& document, std::string_view file_name) {
  return from_tree(document, file_name, nullptr);
}

Result<Service> service_from_json(const Json& json, std::vector<FieldViolation>* violations) {
  const Result<Node> tree = node_from_json(json);
  if (tree) return from_tree(*tree, "", violations);
  Report report;
  report.add({"", 0, 0, tree.error().message()});
  return finish(report, "", {}, violations);
}

Result<Service> service_from_store(const Json& json) {
  const Result<Node> tree = node_from_json(json);
  if (!tree) return Error(Code::kDataLoss, tree.error().message());
  Service service = decode_service(*tree);
  const auto& containers = service.template_.spec.containers;
  const bool is_sound = containers.size() == 1 &&
                        (containers[0].image == kServeImage ||
                         (containers[0].image == kHostImage && !containers[0].command.empty()));
  if (!is_sound) {
    return Error(Code::kDataLoss, "what is stored is no service with one container that can run");
  }
  return service;
}

Result<RevisionTemplate> template_from_store(const Json& json) {
  const Json spec = Json::object({{"template", json}});
  ASSIGN_OR_RETURN(Service service, service_from_store(Json::object({{"spec", spec}})));
  return std::move(service.template_);
}

Status validate(const Service& service, std::vector<FieldViolation>* violations) {
  RETURN_IF_ERROR(service_from_json(to_json(service), violations));
  return {};
}

}  // namespace thaw::spec
