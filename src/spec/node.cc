#include "spec/node.h"

#include <fmt/format.h>

#include <charconv>

namespace thaw::spec {
namespace {

class Converter {
 public:
  Result<Node> convert(const Json& json, int depth) {
    if (++count_ > kMostNodes) return too_much(fmt::format("more than {} values", kMostNodes));
    if (depth > kDeepestNode) {
      return too_much(fmt::format("nested deeper than {} levels", kDeepestNode));
    }
    Node node;
    if (json.is_array()) {
      node.kind = Node::Kind::kList;
      for (const Json& item : json.as_array()) {
        ASSIGN_OR_RETURN(Node child, convert(item, depth + 1));
        node.items.push_back(std::move(child));
      }
    } else if (json.is_object()) {
      node.kind = Node::Kind::kMap;
      for (const auto& [key, value] : json.as_object()) {
        ASSIGN_OR_RETURN(Node child, convert(value, depth + 1));
        node.members.push_back({key, 0, 0, std::move(child)});
      }
    } else {
      scalar(json, node);
    }
    return node;
  }

 private:
  static Error too_much(std::string what) {
    return {Code::kInvalidArgument, "the service has " + std::move(what)};
  }

  static void scalar(const Json& json, Node& node) {
    if (json.is_string()) {
      node.kind = Node::Kind::kString;
      node.text = json.as_string();
    } else if (!json.is_null()) {
      node.kind = json.is_bool()  ? Node::Kind::kBool
                  : json.is_int() ? Node::Kind::kInt
                                  : Node::Kind::kFloat;
      node.text = json.dump();
    }
  }

  int count_ = 0;
};

/// Takes "[...]" or ".name" or "name" off the front of `path`; the brackets and dot are dropped.
std::string_view take_step(std::string_view& path) {
  std::string_view step;
  if (path[0] == '[') {
    const size_t end = path.find(']');
    step = path.substr(1, end == std::string_view::npos ? end : end - 1);
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
  } else {
    if (path[0] == '.') path.remove_prefix(1);
    step = path.substr(0, path.find_first_of(".["));
    path.remove_prefix(step.size());
  }
  return step;
}

const Node* child(const Node& node, std::string_view step) {
  if (node.kind != Node::Kind::kList) return node.find(step);
  size_t index = 0;
  const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
  return error == std::errc() && index < node.items.size() ? &node.items[index] : nullptr;
}

}  // namespace

bool Node::is_empty() const {
  switch (kind) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return text == "false";
    case Kind::kString:
      return text.empty();
    case Kind::kList:
      return items.empty();
    case Kind::kMap:
      return members.empty();
    default:
      return false;
  }
}

const Node* Node::find(std::string_view key) const {
  for (const NodeMember& member : members) {
    if (member.key == key && member.value.kind != Kind::kNull) return &member.value;
  }
  return nullptr;
}

std::string quoted(std::string_view text) {
  constexpr size_t kMostShown = 60;
  size_t end = std::min(text.size(), kMostShown);
  // Not in the middle of a UTF-8 character.
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
    --end;
  }
  std::string shown = Json(text.substr(0, end)).dump();
  if (end < text.size()) shown += fmt::format(" (and {} characters more)", text.size() - end);
  return shown;
}

std::string Node::described() const {
  switch (kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return "the truth value " + text;
    case Kind::kInt:
    case Kind::kFloat:
      return "the number " + text.substr(0, 60);
    case Kind::kString:
      return "the string " + quoted(text);
    case Kind::kAmbiguous:
      return "the word " + text.substr(0, 60);
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a mapping";
  }
  return "nothing";
}

Result<Node> node_from_json(const Json& json) { return Converter().convert(json, 1); }

Json node_to_json(const Node& node) {
  int64_t whole = 0;
  double real = 0;
  const char* end = node.text.data() + node.text.size();
  switch (node.kind) {
    case Node::Kind::kNull:
      return {};
    case Node::Kind::kBool:
      return node.text == "true";
    case Node::Kind::kInt:
      if (std::from_chars(node.text.data(), end, whole).ec == std::errc()) return whole;
      [[fallthrough]];
    case Node::Kind::kFloat:
      if (std::from_chars(node.text.data(), end, real).ec == std::errc()) return real;
      return node.text;
    case Node::Kind::kString:
    case Node::Kind::kAmbiguous:
      return node.text;
    case Node::Kind::kList: {
      Json list = Json::array();
      for (const Node& item : node.items) list.push_back(node_to_json(item));
      return list;
    }
    case Node::Kind::kMap: {
      Json map = Json::object();
      for (const NodeMember& member : node.members) {
        map.as_object().emplace_back(member.key, node_to_json(member.value));
      }
      return map;
    }
  }
  return {};
}

const Node& node_at(const Node& root, std::string_view path) {
  const Node* at = &root;
  while (!path.empty()) {
    const Node* next = child(*at, take_step(path));
    if (!next) break;
    at = next;
  }
  return *at;
}

const Node* find_at(const Node& root, std::string_view path) {
  const Node* at = &root;
  while (at && !path.empty()) at = child(*at, take_step(path));
  return at;
}

}  // namespace thaw::spec
