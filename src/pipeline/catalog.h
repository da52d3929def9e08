// Catalog: which resources each pipeline has made, in the state database.
//
// The record of a pipeline is a list of resources with what was applied last. It says what is the
// pipeline's own: `thaw destroy` and a later `thaw apply` remove nothing else.
//
// **Thread**: the loop's; a change blocks for one commit. **Owner**: the database outlives it.
// **Limits**: kMostPipelines, kMostResources (file.h) each.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pipeline/file.h"
#include "store/database.h"

namespace thaw::pipeline {

inline constexpr int64_t kMostPipelines = 1000;

struct Record {
  std::string name;
  int64_t version = 0;  // 0: there is none yet; one more with each change
  std::map<Key, Json> resources;
};

/// {"name", "version", "resources": [{"kind", "name", "applied"}]}.
Json to_json(const Record& record);
/// kInvalidArgument names the field.
Result<Record> record_from_json(const Json& json, const std::string& name);

class Catalog {
 public:
  explicit Catalog(store::Database& database) : database_(database) {}

  /// kNotFound when nothing was applied under that name.
  Result<Record> get(const std::string& name);
  Result<std::vector<Record>> list();
  /// Stored under the next version; without resources it is forgotten. kAborted: `record.version`
  /// is not the one that is stored, somebody else changed it. After OK it survives power loss.
  Result<Record> put(Record record);

 private:
  store::Database& database_;
};

}  // namespace thaw::pipeline
