// PanelChunks: a CSV file of many series, too large to be held, cut into files of whole series.
//
// Series are told apart by a column unique_id, and the rows of each must stand together. Bytes go
// in as they come; what comes out is the header and the rows of whole series.
// Thread: any. Owner: itself. Limits: kChunkBytes and kChunkSeries (or fewer) a chunk, more bytes
// only for one series; kMostSeriesBytes a series; kMostSeries in all (8 bytes of each are
// remembered). Beyond them next() answers an error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/result.h"

namespace thaw::predict {

class CsvReader;

class PanelChunks {
 public:
  static constexpr size_t kChunkBytes = 2 << 20;
  static constexpr size_t kChunkSeries = 250;
  static constexpr size_t kMostSeriesBytes = 32 << 20;
  static constexpr size_t kMostSeries = 1'000'000;

  struct Chunk {
    std::string csv;
    size_t series = 0;
    int64_t first_line = 0;  // of its rows, in the file
  };

  /// `most_series`: of a chunk; at least 1.
  explicit PanelChunks(size_t most_series = kChunkSeries) : most_series_(most_series) {}

  void feed(std::string_view bytes);
  /// All bytes came.
  void end() { ended_ = true; }
  /// nullopt: more bytes are needed, or, after end(), there is nothing more. kInvalidArgument names
  /// the line; then the chunks must not be used further.
  Result<std::optional<Chunk>> next();

 private:
  using Ids = std::unordered_set<size_t>;
  Result<bool> read_header();
  Result<size_t> id_of(const CsvReader& reader, const Ids& ids) const;
  Chunk take(size_t bytes, const Ids& ids);
  std::string_view rest() const { return std::string_view(text_).substr(begin_); }
  void drop(size_t bytes);
  Error fault(int64_t line, std::string_view what) const;

  size_t most_series_;
  std::string text_;
  size_t begin_ = 0;  // of what is not yet taken of it: a record
  bool ended_ = false;
  std::string header_;
  size_t id_column_ = 0;
  int64_t lines_ = 0;  // before begin_
  Ids seen_;           // of the series taken, hashed
};

}  // namespace thaw::predict
