#include <fmt/format.h>

#include "spec/reader.h"

namespace thaw::spec {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(std::string& out, uint32_t code) {
  const auto put = [&out](uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

/// Recursive descent; every method leaves `at_` behind what it read, or sets `why_` and is false.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<Node> read(FieldViolation& fault) {
    Node root;
    if (value(root, 1)) {
      skip_blanks();
      if (at_ == text_.size()) return root;
      fail("text after the end of the value");
    }
    fault = {"", line_, column(), "not valid JSON: " + why_};
    return std::nullopt;
  }

 private:
  int column() const { return static_cast<int>(at_ - line_start_) + 1; }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool fail(std::string why) {
    if (why_.empty()) why_ = std::move(why);
    return false;
  }

  void skip_blanks() {
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      } else if (text_[at_] != ' ' && text_[at_] != '\t' && text_[at_] != '\r') {
        return;
      }
    }
  }

  bool take(char wanted) {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  bool value(Node& node, int depth) {
    skip_blanks();
    node.line = line_;
    node.column = column();
    if (++count_ > kMostNodes) return fail(fmt::format("more than {} values", kMostNodes));
    if (depth > kDeepestNode)
      return fail(fmt::format("nested deeper than {} levels", kDeepestNode));
    switch (peek()) {
      case '{':
        return map(node, depth);
      case '[':
        return list(node, depth);
      case '"':
        node.kind = Node::Kind::kString;
        return string(node.text);
      case 't':
        return word(node, "true", Node::Kind::kBool);
      case 'f':
        return word(node, "false", Node::Kind::kBool);
      case 'n':
        return word(node, "null", Node::Kind::kNull);
      default:
        return number(node);
    }
  }

  bool map(Node& node, int depth) {
    node.kind = Node::Kind::kMap;
    ++at_;
    if (take('}')) return true;
    do {
      NodeMember member;
      skip_blanks();
      member.line = line_;
      member.column = column();
      if (peek() != '"') return fail("a field's name in double quotes is missing");
      if (!string(member.key)) return false;
      if (!take(':')) return fail("':' is missing after a field's name");
      if (!value(member.value, depth + 1)) return false;
      node.members.push_back(std::move(member));
    } while (take(','));
    return take('}') || fail("',' or '}' is missing");
  }

  bool list(Node& node, int depth) {
    node.kind = Node::Kind::kList;
    ++at_;
    if (take(']')) return true;
    do {
      Node item;
      if (!value(item, depth + 1)) return false;
      node.items.push_back(std::move(item));
    } while (take(','));
    return take(']') || fail("',' or ']' is missing");
  }

  bool word(Node& node, std::string_view wanted, Node::Kind kind) {
    if (text_.substr(at_, wanted.size()) != wanted) return fail("an unknown word");
    at_ += wanted.size();
    node.kind = kind;
    node.text = wanted;
    return true;
  }

  size_t digits() {
    const size_t start = at_;
    while (is_digit(peek())) ++at_;
    return at_ - start;
  }

  bool number(Node& node) {
    const size_t start = at_;
    if (peek() == '-') ++at_;
    const bool leading_zero = peek() == '0';
    const size_t whole = digits();
    if (whole == 0) return fail("a value is missing or misspelt");
    if (leading_zero && whole > 1) return fail("a number starts with 0");
    node.kind = Node::Kind::kInt;
    if (peek() == '.') {
      node.kind = Node::Kind::kFloat;
      ++at_;
      if (digits() == 0) return fail("digits are missing after the point");
    }
    if (peek() == 'e' || peek() == 'E') {
      node.kind = Node::Kind::kFloat;
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (digits() == 0) return fail("digits are missing in the exponent");
    }
    node.text = text_.substr(start, at_ - start);
    return true;
  }

  bool string(std::string& out) {
    ++at_;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20)
        return fail("a line end or control character in a string");
      if (c != '\\') {
        out += c;
      } else if (!escape(out)) {
        return false;
      }
    }
    return fail("a string has no end");
  }

  /// Leaves `at_` on the escape's last character.
  bool escape(std::string& out) {
    ++at_;
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (const size_t known = kNames.find(peek());
        peek() != '\0' && known != std::string_view::npos) {
      out += kMeanings[known];
      return true;
    }
    uint32_t code = 0;
    if (peek() != 'u' || !four_hex(code)) return fail("an unknown escape in a string");
    if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_ + 1, 2) == "\\u") {
      at_ += 2;
      uint32_t second = 0;
      if (!four_hex(second) || second < 0xdc00 || second > 0xdfff)
        return fail("half a character in a string");
      code = 0x10000 + ((code - 0xd800) << 10) + (second - 0xdc00);
    }
    if (code >= 0xd800 && code <= 0xdfff) return fail("half a character in a string");
    append_utf8(out, code);
    return true;
  }

  bool four_hex(uint32_t& code) {
    code = 0;
    for (int i = 0; i < 4; ++i) {
      ++at_;
      const int digit = hex_value(peek());
      if (digit < 0) return false;
      code = code << 4 | static_cast<uint32_t>(digit);
    }
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t line_start_ = 0;
  int line_ = 1;
  int count_ = 0;
  std::string why_;
};

}  // namespace

std::optional<Node> read_json(std::string_view text, FieldViolation& fault) {
  fault = {};
  return Reader(text).read(fault);
}

}  // namespace thaw::spec
