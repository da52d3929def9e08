// The readers: from text to Node, each format behind one .cc.
//
// Thread: any. Owner: the text need not outlive the call. Limits: those of node.h; the caller
// bounds the size of the text. Both take linear time and memory.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "spec/node.h"
#include "spec/report.h"

namespace thaw::spec {

/// Exactly one YAML 1.2 document; words and numbers that YAML 1.1 reads differently are marked
/// (Node::Kind::kAmbiguous). Aliases are copied. nullopt: `fault` says where and what.
std::optional<Node> read_yaml(std::string_view text, FieldViolation& fault);

/// As read_yaml, of a text with up to kMostDocuments documents. Empty: `fault` says where and what.
inline constexpr size_t kMostDocuments = 200;
std::vector<Node> read_yaml_documents(std::string_view text, FieldViolation& fault);

/// RFC 8259, with the place of every value. nullopt: `fault` says where and what.
std::optional<Node> read_json(std::string_view text, FieldViolation& fault);

}  // namespace thaw::spec
