#include "spec/shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "base/nearest.h"
#include "base/time.h"
#include "spec/fields.h"
#include "spec/names.h"
#include "spec/quantity.h"

namespace thaw::spec {
namespace {

using Kind = Node::Kind;

constexpr size_t kLongestKeyShown = 200;

std::string listed(const std::vector<std::string_view>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string_view wanted(FieldType type) {
  switch (type) {
    case FieldType::kString:
      return "a string";
    case FieldType::kInt:
      return "a whole number";
    case FieldType::kBool:
      return "true or false";
    case FieldType::kCpu:
      return "a number of vCPUs such as 2 or 500m";
    case FieldType::kMemory:
      return "a size such as 512Mi or 1Gi";
    case FieldType::kTime:
      return "a time such as '2026-11-23T01:02:03Z'";
    case FieldType::kStrings:
    case FieldType::kObjects:
      return "a list";
    case FieldType::kStringMap:
    case FieldType::kObject:
      return "a mapping";
    case FieldType::kAny:
      return "a value";
  }
  return "a value";
}

std::string wrong_type(FieldType type, const Node& found) {
  std::string text = fmt::format("expected {}, found {}", wanted(type), found.described());
  if (type == FieldType::kString && found.is_scalar() && found.kind != Kind::kNull) {
    text += found.kind == Kind::kAmbiguous ? ", which readers of YAML disagree on" : "";
    text += fmt::format("; put it in quotes: '{}'", found.text.substr(0, 60));
  } else if ((type == FieldType::kInt || type == FieldType::kBool) && found.kind == Kind::kString) {
    text += "; remove the quotes if there are any";
  }
  return text;
}

/// The annotation whose name behind the '/' is nearest to the key's.
std::optional<std::string> near_annotation(std::string_view key, Level level) {
  const auto last_part = [](std::string_view name) { return name.substr(name.find('/') + 1); };
  const std::vector<std::string_view> names = annotation_names(level);
  std::vector<std::string_view> parts;
  for (std::string_view name : names) parts.push_back(last_part(name));
  const auto near = nearest(last_part(key), parts);
  if (!near) return std::nullopt;
  const auto found = std::find(parts.begin(), parts.end(), *near);
  return std::string(names[static_cast<size_t>(found - parts.begin())]);
}

class Checker {
 public:
  explicit Checker(Report& report) : report_(report) {}

  void object(const Node& node, std::string_view name, const std::string& path) {
    if (node.kind != Kind::kMap) {
      return report_.add(path, node, wrong_type(FieldType::kObject, node));
    }
    const bool takes_any = find_field(name, "*") != nullptr;
    std::set<std::string_view> seen;
    for (const NodeMember& member : node.members) {
      const std::string inner = below(path, member.key);
      if (!once(member, inner, seen)) continue;
      if (const FieldRow* row = find_field(name, member.key); row && row->name != "*") {
        field(member.value, *row, inner);
      } else if (!takes_any) {
        at_key(member, inner, unknown_field(member.key, name));
      }
    }
  }

 private:
  static std::string below(const std::string& path, const std::string& key) {
    const std::string shown = key.substr(0, kLongestKeyShown);
    return path.empty() ? shown : path + "." + shown;
  }

  void at_key(const NodeMember& member, const std::string& path, std::string why) {
    report_.add({path, member.line, member.column, std::move(why)});
  }

  bool once(const NodeMember& member, const std::string& path, std::set<std::string_view>& seen) {
    if (seen.insert(member.key).second) return true;
    at_key(member, path, fmt::format("{} is given twice", quoted(member.key)));
    return false;
  }

  std::string unknown_field(const std::string& key, std::string_view object) const {
    std::string text = fmt::format("unknown field {}", quoted(key));
    if (report_.is_full()) return text;
    const std::vector<std::string_view> names = field_names(object);
    if (const auto near = nearest(key, names)) {
      return text + fmt::format("; did you mean '{}'?", *near);
    }
    if (const ObjectRow* home = home_of(key)) {
      return text + fmt::format("; '{}' belongs in {}", key, home->place);
    }
    return text + fmt::format("; the fields here are {}", listed(names));
  }

  void field(const Node& node, const FieldRow& row, const std::string& path) {
    if (row.support == Support::kRefused) {
      if (!node.is_empty())
        report_.add(path, node, fmt::format("not supported yet: {}", row.words));
      return;
    }
    if (node.kind == Kind::kNull) return;  // as if it were not there
    switch (row.type) {
      case FieldType::kAny:
        return;
      case FieldType::kObject:
        return object(node, row.of, path);
      case FieldType::kObjects:
        return list(node, row, path);
      case FieldType::kStrings:
        return strings(node, path);
      case FieldType::kStringMap:
        return row.name == "annotations" ? annotations(node, path) : labels(node, path);
      default:
        return scalar(node, row, path);
    }
  }

  void list(const Node& node, const FieldRow& row, const std::string& path) {
    if (node.kind != Kind::kList) return report_.add(path, node, wrong_type(row.type, node));
    for (size_t i = 0; i < node.items.size(); ++i) {
      object(node.items[i], row.of, fmt::format("{}[{}]", path, i));
    }
  }

  void strings(const Node& node, const std::string& path) {
    if (node.kind != Kind::kList) {
      return report_.add(path, node,
                         wrong_type(FieldType::kStrings, node) +
                             "; write [\"one\", \"two\"], a string for each word");
    }
    for (size_t i = 0; i < node.items.size(); ++i) {
      string(node.items[i], fmt::format("{}[{}]", path, i));
    }
  }

  bool string(const Node& node, const std::string& path) {
    if (node.kind != Kind::kString) {
      report_.add(path, node, wrong_type(FieldType::kString, node));
    } else if (node.text.find('\0') != std::string::npos) {
      report_.add(path, node, "holds a NUL character, which no program can be given");
    } else {
      return true;
    }
    return false;
  }

  void scalar(const Node& node, const FieldRow& row, const std::string& path) {
    switch (row.type) {
      case FieldType::kString:
        string(node, path);
        return;
      case FieldType::kInt:
        return number(node, row, path);
      case FieldType::kBool:
        if (node.kind != Kind::kBool) report_.add(path, node, wrong_type(row.type, node));
        return;
      case FieldType::kTime:
        if (!node.is_scalar() || !parse_rfc3339(node.text)) {
          report_.add(path, node, wrong_type(row.type, node));
        }
        return;
      default:
        return quantity(node, row, path);
    }
  }

  void number(const Node& node, const FieldRow& row, const std::string& path) {
    if (node.kind != Kind::kInt) return report_.add(path, node, wrong_type(row.type, node));
    int64_t value = 0;
    const char* end = node.text.data() + node.text.size();
    const auto [stop, error] = std::from_chars(node.text.data(), end, value);
    if (error != std::errc() || stop != end || value < row.low || value > row.high) {
      const std::string shown = node.text.substr(0, 60);
      report_.add(path, node,
                  row.low == row.high ? fmt::format("{} is not allowed; only {} is", shown, row.low)
                                      : fmt::format("{} is out of range; from {} to {} is allowed",
                                                    shown, row.low, row.high));
    }
  }

  void quantity(const Node& node, const FieldRow& row, const std::string& path) {
    const bool is_number = node.kind == Kind::kInt || node.kind == Kind::kFloat;
    if (node.kind != Kind::kString && !is_number) {
      return report_.add(path, node, wrong_type(row.type, node));
    }
    std::string why;
    if (row.type == FieldType::kCpu) {
      if (const auto cpu = parse_cpu(node.text); !cpu) why = cpu.error().message();
    } else {
      if (const auto size = parse_memory(node.text); !size) why = size.error().message();
    }
    if (!why.empty()) report_.add(path, node, fmt::format("{} {}", quoted(node.text), why));
  }

  void labels(const Node& node, const std::string& path) {
    each_entry(node, path, [&](const NodeMember& member, const std::string& inner) {
      if (const NameFault fault = label_key_fault(member.key)) {
        at_key(member, inner, fmt::format("the label {} {}", quoted(member.key), *fault));
      } else if (const NameFault wrong = label_value_fault(member.value.text)) {
        report_.add(inner, member.value, fmt::format("{} {}", quoted(member.value.text), *wrong));
      }
    });
  }

  void annotations(const Node& node, const std::string& path) {
    const Level level = path == "metadata.annotations" ? Level::kService : Level::kRevision;
    each_entry(node, path, [&](const NodeMember& member, const std::string& inner) {
      if (const AnnotationRow* row = find_annotation(level, member.key)) {
        annotation(member, *row, inner);
      } else if (is_platform_annotation(member.key)) {
        at_key(member, inner, unknown_annotation(member.key, level));
      } else if (const NameFault fault = label_key_fault(member.key)) {
        at_key(member, inner, fmt::format("the annotation {} {}", quoted(member.key), *fault));
      }
    });
  }

  /// Calls `check` for every entry that is a string given once.
  template <class Check>
  void each_entry(const Node& node, const std::string& path, Check check) {
    if (node.kind != Kind::kMap) {
      return report_.add(path, node, wrong_type(FieldType::kStringMap, node));
    }
    std::set<std::string_view> seen;
    for (const NodeMember& member : node.members) {
      const std::string inner = fmt::format("{}[{}]", path, member.key.substr(0, kLongestKeyShown));
      if (!once(member, inner, seen) || !string(member.value, inner)) continue;
      check(member, inner);
    }
  }

  std::string unknown_annotation(const std::string& key, Level level) const {
    std::string text = fmt::format("unknown annotation {}", quoted(key));
    if (report_.is_full()) return text;
    const Level other = level == Level::kService ? Level::kRevision : Level::kService;
    if (find_annotation(other, key)) {
      text += other == Level::kRevision ? "; it belongs in spec.template.metadata.annotations"
                                        : "; it belongs in metadata.annotations";
      if (const auto near = near_annotation(key, level))
        text += fmt::format("; here it is '{}'", *near);
      return text;
    }
    if (const auto near = near_annotation(key, level)) {
      return text + fmt::format("; did you mean '{}'?", *near);
    }
    return text + "; remove it, or see the reference of service files";
  }

  void annotation(const NodeMember& member, const AnnotationRow& row, const std::string& path) {
    const Node& node = member.value;
    const bool is_true = node.text == "true" || node.text == "True" || node.text == "TRUE";
    const bool is_false = node.text == "false" || node.text == "False" || node.text == "FALSE";
    if (row.support == Support::kRefused) {
      const bool harmless =
          node.text.empty() || node.text == row.values || (row.type == TextType::kBool && is_false);
      if (!harmless) report_.add(path, node, fmt::format("not supported yet: {}", row.words));
      return;
    }
    if (row.type == TextType::kBool && !is_true && !is_false) {
      report_.add(path, node, fmt::format("{} is neither 'true' nor 'false'", quoted(node.text)));
    } else if (row.type == TextType::kInt) {
      annotation_number(node, row, path);
    } else if (row.type == TextType::kWord &&
               fmt::format(", {},", row.values).find(fmt::format(" {},", node.text)) ==
                   std::string::npos) {
      report_.add(path, node, fmt::format("{} is not one of {}", quoted(node.text), row.values));
    }
  }

  void annotation_number(const Node& node, const AnnotationRow& row, const std::string& path) {
    int64_t value = 0;
    const char* end = node.text.data() + node.text.size();
    const auto [stop, error] = std::from_chars(node.text.data(), end, value);
    if (error == std::errc() && stop == end && value >= row.low && value <= row.high) return;
    report_.add(
        path, node,
        fmt::format("{} is no whole number from {} to {}", quoted(node.text), row.low, row.high));
  }

  Report& report_;
};

}  // namespace

void check_shape(const Node& service, Report& report) {
  Checker(report).object(service, "Service", "");
}

}  // namespace thaw::spec
