// Sources: all Redis-stream sources of the platform: made, kept, run, shown, dropped.
//
// **Thread**: the loop's. **Owner**: everything given outlives it. **Limits**: kMost sources.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/entropy.h"
#include "messaging/source_catalog.h"
#include "messaging/stream_source.h"

namespace thaw::messaging {

class Sources {
 public:
  static constexpr size_t kMost = 200;

  Sources(StreamSource::Parts parts, SourceCatalog& catalog, io::Entropy& entropy);
  ~Sources();

  /// Brings back what was made before. Call once, first.
  Status load();
  /// kAlreadyExists, kResourceExhausted; errors of the catalog: nothing was changed.
  Status create(const SourceConfig& config);
  /// kNotFound names the nearest. What is under way is given up; its entries stay pending in the
  /// group, for whoever reads it next.
  Status remove(const std::string& name);
  Result<const StreamSource*> get(const std::string& name) const;
  std::vector<const StreamSource*> list() const;  // by name
  /// No source reads or delivers any more.
  void stop() { running_.clear(); }

 private:
  void run(const SourceRecord& record);

  StreamSource::Parts parts_;
  SourceCatalog& catalog_;
  io::Entropy& entropy_;
  std::map<std::string, std::unique_ptr<StreamSource>> running_;
};

}  // namespace thaw::messaging
