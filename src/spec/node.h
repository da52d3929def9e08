// Node: the tree of a service file before it has types, with the place of every value.
//
// YAML text, JSON text and a Json of the API all become Nodes, so that one decoder reads them.
// Thread: any. Owner: values. Limits: kMostNodes values and kDeepestNode levels; the readers
// refuse more.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace thaw::spec {

inline constexpr int kMostNodes = 20'000;
inline constexpr int kDeepestNode = 32;

struct NodeMember;

struct Node {
  enum class Kind {
    kNull,
    kBool,   // text: true or false
    kInt,    // text: decimal digits with an optional sign
    kFloat,  // text: as written
    kString,
    kAmbiguous,  // a plain YAML word or number that readers disagree on: yes, off, 0x1F, 012
    kList,
    kMap,
  };

  Kind kind = Kind::kNull;
  std::string text;  // of a scalar
  int line = 0;      // from 1; 0 when the node came from no text
  int column = 0;
  std::vector<Node> items;          // kList
  std::vector<NodeMember> members;  // kMap, in the order written, duplicates included

  bool is_scalar() const { return kind != Kind::kList && kind != Kind::kMap; }
  /// Null, "", false, [] or {}: what clients send for a field they do not use.
  bool is_empty() const;
  /// The first member of that name that is not null; nullptr when this is no map.
  const Node* find(std::string_view key) const;
  /// "the number 8080", "the list", "null": for messages, cut to a readable length.
  std::string described() const;
};

struct NodeMember {
  std::string key;
  int line = 0;  // of the key
  int column = 0;
  Node value;
};

/// kInvalidArgument when a limit is passed.
Result<Node> node_from_json(const Json& json);
Json node_to_json(const Node& node);

/// The value at a path such as spec.containers[0].env or metadata.annotations[a.b/c]; nullptr when
/// there is none.
const Node* find_at(const Node& root, std::string_view path);
/// The same, or the nearest of its parents that is there.
const Node& node_at(const Node& root, std::string_view path);

/// "\"text\"" with everything that would break a line escaped, cut to 60 characters.
std::string quoted(std::string_view text);

}  // namespace thaw::spec
