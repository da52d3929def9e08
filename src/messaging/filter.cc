#include "messaging/filter.h"

#include <fmt/format.h>

#include <algorithm>

namespace thaw::messaging {

struct Filter::Node {
  enum class Kind { kHas, kEquals, kDiffers, kHasPrefix, kNot, kAnd, kOr };
  Kind kind;
  std::string key, value;
  std::vector<std::shared_ptr<const Node>> parts;
};

namespace {

using Node = Filter::Node;
using NodePtr = std::shared_ptr<const Node>;
constexpr int kDeepest = 32;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<NodePtr> all() {
    ASSIGN_OR_RETURN(NodePtr node, expression(0));
    skip_blanks();
    if (at_ != text_.size()) return fault("AND, OR or the end was expected");
    return node;
  }

 private:
  Error fault(std::string_view what) const {
    return {Code::kInvalidArgument, fmt::format("filter: at character {}: {}", at_ + 1, what)};
  }

  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }

  bool take(char c) {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  /// A word that stands alone: "AND" is not the beginning of "ANDROID".
  bool take_word(std::string_view word) {
    skip_blanks();
    if (text_.substr(at_, word.size()) != word) return false;
    const size_t end = at_ + word.size();
    if (end < text_.size() && is_word(text_[end])) return false;
    at_ = end;
    return true;
  }

  Result<NodePtr> expression(int depth) {
    if (depth > kDeepest) return fault("too deeply nested");
    ASSIGN_OR_RETURN(NodePtr first, term(depth));
    const bool is_and = take_word("AND");
    if (!is_and && !take_word("OR")) return first;
    Node joined{is_and ? Node::Kind::kAnd : Node::Kind::kOr, "", "", {std::move(first)}};
    do {
      ASSIGN_OR_RETURN(NodePtr next, term(depth));
      joined.parts.push_back(std::move(next));
    } while (take_word(is_and ? "AND" : "OR"));
    if (take_word(is_and ? "OR" : "AND")) {
      return fault("AND and OR need parentheses where they are mixed");
    }
    return std::make_shared<const Node>(std::move(joined));
  }

  Result<NodePtr> term(int depth) {
    if (depth > kDeepest) return fault("too deeply nested");
    if (take_word("NOT") || take('-')) {
      ASSIGN_OR_RETURN(NodePtr inner, term(depth + 1));
      return std::make_shared<const Node>(Node{Node::Kind::kNot, "", "", {std::move(inner)}});
    }
    if (take('(')) {
      ASSIGN_OR_RETURN(NodePtr inner, expression(depth + 1));
      if (!take(')')) return fault("')' was expected");
      return inner;
    }
    if (take_word("hasPrefix")) return prefix();
    return comparison();
  }

  Result<NodePtr> prefix() {
    if (!take('(')) return fault("'(' was expected after hasPrefix");
    if (!take_word("attributes") || !take('.')) return fault("attributes.KEY was expected");
    ASSIGN_OR_RETURN(std::string name, key());
    if (!take(',')) return fault("',' was expected");
    ASSIGN_OR_RETURN(std::string value, quoted());
    if (!take(')')) return fault("')' was expected");
    return leaf(Node::Kind::kHasPrefix, std::move(name), std::move(value));
  }

  Result<NodePtr> comparison() {
    if (!take_word("attributes")) return fault("attributes, hasPrefix, NOT or '(' was expected");
    if (take(':')) {
      ASSIGN_OR_RETURN(std::string name, key());
      return leaf(Node::Kind::kHas, std::move(name), "");
    }
    if (!take('.')) return fault("attributes.KEY or attributes:KEY was expected");
    ASSIGN_OR_RETURN(std::string name, key());
    const bool differs = take('!');
    if (!take('=')) return fault("= or != was expected");
    ASSIGN_OR_RETURN(std::string value, quoted());
    return leaf(differs ? Node::Kind::kDiffers : Node::Kind::kEquals, std::move(name),
                std::move(value));
  }

  static NodePtr leaf(Node::Kind kind, std::string key, std::string value) {
    return std::make_shared<const Node>(Node{kind, std::move(key), std::move(value), {}});
  }

  Result<std::string> key() {
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == '"') return quoted();
    const size_t start = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    if (at_ == start) return fault("an attribute's key was expected");
    return std::string(text_.substr(start, at_ - start));
  }

  Result<std::string> quoted() {
    if (!take('"')) return fault("a value in double quotes was expected");
    std::string value;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      value += text_[at_++];
    }
    if (at_ == text_.size()) return fault("the closing quote is missing");
    ++at_;
    return value;
  }

  std::string_view text_;
  size_t at_ = 0;
};

const std::string* find(const Attributes& attributes, const std::string& key) {
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [&](const auto& each) { return each.first == key; });
  return found == attributes.end() ? nullptr : &found->second;
}

bool holds(const Node& node, const Attributes& attributes) {
  const auto part_holds = [&](const NodePtr& part) { return holds(*part, attributes); };
  switch (node.kind) {
    case Node::Kind::kNot:
      return !holds(*node.parts[0], attributes);
    case Node::Kind::kAnd:
      return std::all_of(node.parts.begin(), node.parts.end(), part_holds);
    case Node::Kind::kOr:
      return std::any_of(node.parts.begin(), node.parts.end(), part_holds);
    default:
      break;
  }
  const std::string* value = find(attributes, node.key);
  if (value == nullptr) return false;
  if (node.kind == Node::Kind::kEquals) return *value == node.value;
  if (node.kind == Node::Kind::kDiffers) return *value != node.value;
  if (node.kind == Node::Kind::kHasPrefix) return value->starts_with(node.value);
  return true;
}

}  // namespace

Result<Filter> Filter::parse(std::string_view text) {
  if (text.size() > kLongest) {
    return Error(Code::kInvalidArgument, fmt::format("filter: has {} bytes, at most {} are allowed",
                                                     text.size(), kLongest));
  }
  Filter filter;
  if (text.empty()) return filter;
  ASSIGN_OR_RETURN(filter.root_, Parser(text).all());
  return filter;
}

bool Filter::wants(const Attributes& attributes) const {
  return root_ == nullptr || holds(*root_, attributes);
}

}  // namespace thaw::messaging
