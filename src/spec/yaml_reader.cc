#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <map>
#include <sstream>

#include "base/check.h"
#include "spec/reader.h"

namespace thaw::spec {
namespace {

/// Ends the parse from inside a callback; never leaves this file.
struct ReadFault {
  int line;
  int column;
  std::string description;
};

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool all_in(std::string_view text, std::string_view set) {
  return text.find_first_not_of(set) == std::string_view::npos;
}

constexpr size_t kMostText = size_t{4} << 20;
constexpr std::string_view kDigits = "0123456789";

/// [digits][.digits][e[sign]digits] with at least one digit before the exponent.
bool is_float(std::string_view text) {
  const size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    std::string_view power = text.substr(e + 1);
    if (!power.empty() && (power[0] == '-' || power[0] == '+')) power.remove_prefix(1);
    if (power.empty() || !all_in(power, kDigits)) return false;
    text = text.substr(0, e);
  }
  const size_t point = text.find('.');
  if (point == std::string_view::npos) return !text.empty() && all_in(text, kDigits);
  return text.size() > 1 && all_in(text.substr(0, point), kDigits) &&
         all_in(text.substr(point + 1), kDigits);
}

/// The kind of an unquoted scalar by YAML 1.2's core schema. What YAML 1.1 (gcloud's reader) takes
/// for something else is ambiguous: yes and no, octal, hexadecimal, 1_000, 12:30.
Node::Kind plain_kind(std::string_view text) {
  using enum Node::Kind;
  if (one_of(text, {"", "~", "null", "Null", "NULL"})) return kNull;
  if (one_of(text, {"true", "True", "TRUE", "false", "False", "FALSE"})) return kBool;
  if (one_of(text,
             {"yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF"})) {
    return kAmbiguous;
  }
  if (text[0] == '-' || text[0] == '+') text.remove_prefix(1);
  if (one_of(text, {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"})) return kFloat;
  if (text.empty() || (kDigits.find(text[0]) == std::string_view::npos && text[0] != '.')) {
    return kString;
  }
  if (all_in(text, kDigits)) return text.size() > 1 && text[0] == '0' ? kAmbiguous : kInt;
  if (is_float(text)) return kFloat;
  const bool has_prefix =
      text.size() > 2 && text[0] == '0' && one_of(text.substr(1, 1), {"x", "o", "b"});
  if (has_prefix && all_in(text.substr(2), "0123456789abcdefABCDEF_")) return kAmbiguous;
  return all_in(text, "0123456789_:") && text.back() != ':' ? kAmbiguous : kString;
}

class Builder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    put(placed(mark, Node::Kind::kNull), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node = placed(mark, Node::Kind::kString);
    node.text = value;
    if (tag == "?" || tag == "") {
      node.kind = plain_kind(value);
    } else if (tag != "!" && tag != "tag:yaml.org,2002:str") {
      fail(mark, fmt::format("the tag {} is not supported; remove it", quoted(tag)));
    }
    if (node.kind == Node::Kind::kBool)
      node.text = value[0] == 't' || value[0] == 'T' ? "true" : "false";
    if (node.kind == Node::Kind::kInt && value[0] == '+') node.text.erase(0, 1);
    put(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto target = anchors_.find(anchor);
    if (target == anchors_.end()) fail(mark, "an alias may not stand inside what it names");
    Node copy = target->second;
    copy.line = mark.line + 1;
    copy.column = mark.column + 1;
    count_parts(copy, mark, stack_.size() + 1);  // put() counts the node itself
    put(std::move(copy), 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::kList);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::kMap);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

  /// `most`: documents that the text may hold.
  explicit Builder(size_t most) : most_(most) {}

  std::vector<Node> roots;

 private:
  struct Frame {
    Node node;
    YAML::anchor_t anchor;
    std::optional<NodeMember> pending;  // a key that waits for its value
  };

  [[noreturn]] static void fail(const YAML::Mark& mark, std::string why) {
    throw ReadFault{mark.line + 1, mark.column + 1, std::move(why)};
  }
  [[noreturn]] static void fail(const Node& at, std::string why) {
    throw ReadFault{at.line, at.column, std::move(why)};
  }

  static Node placed(const YAML::Mark& mark, Node::Kind kind) {
    Node node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  void count(const Node& at, size_t key_size = 0) {
    if (++count_ > kMostNodes) {
      fail(at,
           fmt::format("more than {} values, aliases counted as what they stand for", kMostNodes));
    }
    text_size_ += at.text.size() + key_size;
    if (text_size_ > kMostText) fail(at, "aliases that stand for more than 4 MiB of text");
  }

  void count_parts(const Node& node, const YAML::Mark& mark, size_t depth) {
    if (depth > kDeepestNode) fail(mark, fmt::format("nested deeper than {} levels", kDeepestNode));
    for (const Node& item : node.items) {
      count(item);
      count_parts(item, mark, depth + 1);
    }
    for (const NodeMember& member : node.members) {
      count(member.value, member.key.size());
      count_parts(member.value, mark, depth + 1);
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            Node::Kind kind) {
    if (stack_.size() >= kDeepestNode) {
      fail(mark, fmt::format("nested deeper than {} levels", kDeepestNode));
    }
    if (tag != "?" && tag != "!" && !tag.empty() && !tag.starts_with("tag:yaml.org,2002:")) {
      fail(mark, fmt::format("the tag {} is not supported; remove it", quoted(tag)));
    }
    stack_.push_back({placed(mark, kind), anchor, {}});
  }

  void close() {
    CHECK(!stack_.empty());
    Frame done = std::move(stack_.back());
    stack_.pop_back();
    put(std::move(done.node), done.anchor);
  }

  void put(Node node, YAML::anchor_t anchor) {
    count(node);
    if (anchor != 0) {
      count_parts(node, {}, 1);  // the copy kept for aliases takes memory too
      anchors_[anchor] = node;
    }
    if (stack_.empty()) return put_root(std::move(node));
    Frame& top = stack_.back();
    if (top.node.kind == Node::Kind::kList) {
      top.node.items.push_back(std::move(node));
    } else if (top.pending) {
      top.pending->value = std::move(node);
      top.node.members.push_back(std::move(*top.pending));
      top.pending.reset();
    } else {
      if (!node.is_scalar()) fail(node, "a list or a mapping cannot be a field's name");
      top.pending = NodeMember{std::move(node.text), node.line, node.column, {}};
    }
  }

  void put_root(Node node) {
    if (node.kind == Node::Kind::kNull) return;  // an empty document, as after a last "---"
    if (roots.size() == most_) {
      fail(node, most_ == 1 ? "a second document; a file holds exactly one service"
                            : fmt::format("more than {} documents", most_));
    }
    roots.push_back(std::move(node));
  }

  size_t most_;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, Node> anchors_;
  int count_ = 0;
  size_t text_size_ = 0;
};

/// The line-th line of the text, from 1.
std::string_view line_of(std::string_view text, int line) {
  for (; line > 1; --line) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

/// Refuses the texts that would cost the library its memory, 250 bytes a bracket or comma, before
/// the first of its events could tell that they are too deep or too many.
bool is_crowded(std::string_view text, FieldViolation& fault) {
  constexpr int kMostOpen = 256, kMostMarks = 100'000;
  int line = 1, open = 0, marks = 0;
  for (char c : text) {
    if (c == '\n') ++line;
    if (std::string_view("[]{},").find(c) == std::string_view::npos) continue;
    ++marks;
    if (c == '[' || c == '{') ++open;
    if ((c == ']' || c == '}') && open > 0) --open;
    if (open <= kMostOpen && marks <= kMostMarks) continue;
    const std::string_view what =
        open > kMostOpen ? "256 brackets open at once" : "100000 brackets and commas";
    fault = {"", line, 1, fmt::format("more than {}", what)};
    return true;
  }
  return false;
}

/// The library's short words, and ours for whoever did not write a YAML parser.
const std::pair<std::string_view, std::string_view> kWords[] = {
    {YAML::ErrorMsg::MAP_VALUE, "a value holds ': '; put it in quotes or begin a new line"},
    {YAML::ErrorMsg::END_OF_MAP, "a line does not fit its neighbours: check indentation and ':'"},
    {YAML::ErrorMsg::END_OF_SEQ, "a line does not fit the list above: check indentation and '-'"},
    {YAML::ErrorMsg::END_OF_MAP_FLOW, "a '{' is not closed"},
    {YAML::ErrorMsg::END_OF_SEQ_FLOW, "a '[' is not closed"},
    {YAML::ErrorMsg::EOF_IN_SCALAR, "a quoted string has no end"},
    {YAML::ErrorMsg::DOC_IN_SCALAR, "a quoted string has no end"},
    {YAML::ErrorMsg::UNKNOWN_TOKEN, "a value begins with a sign of YAML; put it in quotes"},
    {YAML::ErrorMsg::UNKNOWN_ANCHOR,
     "an alias names no anchor; put text that begins with '*' in quotes"},
};

std::string syntax_fault(std::string_view text, int line, const std::string& said) {
  for (int near = line; near >= std::max(1, line - 1); --near) {
    const std::string_view words = line_of(text, near);
    const size_t first = words.find_first_not_of(" \t");
    if (words.substr(0, first).find('\t') != std::string_view::npos) {
      return fmt::format("line {} is indented with a tab; YAML wants spaces", near);
    }
  }
  for (const auto& [theirs, ours] : kWords) {
    if (said == theirs) return fmt::format("not valid YAML: {}", ours);
  }
  return "not valid YAML: " + said;
}

std::vector<Node> read(std::string_view text, size_t most, FieldViolation& fault) {
  fault = {};
  if (is_crowded(text, fault)) return {};
  try {
    // The end marker makes the library see a quoted string that has no end, which it would
    // otherwise close by itself.
    std::istringstream stream(fmt::format("{}{}...\n", text, text.ends_with('\n') ? "" : "\n"));
    YAML::Parser parser(stream);
    Builder builder(most);
    while (parser.HandleNextDocument(builder)) {
    }
    if (!builder.roots.empty()) return std::move(builder.roots);
    fault = {"", 1, 1, "the file is empty"};
  } catch (const ReadFault& found) {
    fault = {"", found.line, found.column, found.description};
  } catch (const YAML::Exception& found) {
    const int line = std::max(found.mark.line, 0) + 1;
    fault = {"", line, std::max(found.mark.column, 0) + 1, syntax_fault(text, line, found.msg)};
  }
  return {};
}

}  // namespace

std::optional<Node> read_yaml(std::string_view text, FieldViolation& fault) {
  std::vector<Node> roots = read(text, 1, fault);
  if (roots.empty()) return std::nullopt;
  return std::move(roots[0]);
}

std::vector<Node> read_yaml_documents(std::string_view text, FieldViolation& fault) {
  return read(text, kMostDocuments, fault);
}

}  // namespace thaw::spec
