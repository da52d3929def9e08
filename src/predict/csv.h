// CSV as RFC 4180 writes it: a reader of records and the quoting of a field.
//
// Only the shape: what columns mean is series_csv.h's. Lines end in LF, CR LF or a bare CR; blank
// lines are passed over; a UTF-8 byte-order mark at the start is dropped; a quoted field may hold
// commas, line ends and doubled quotes; spaces belong to the field.
// Thread: any. Owner: the text outlives the reader; a record's fields live until the next next().
// Limits: kMaxRecordBytes a record, kMaxFields fields, or others; beyond them next() answers an
// error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace thaw::predict {

class CsvReader {
 public:
  static constexpr size_t kMaxRecordBytes = 64 << 10;
  static constexpr size_t kMaxFields = 256;
  struct Limits {
    size_t record_bytes = kMaxRecordBytes;
    size_t fields = kMaxFields;
  };

  explicit CsvReader(std::string_view text) : CsvReader(text, Limits()) {}
  CsvReader(std::string_view text, Limits limits);
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  /// Reads the next record into fields(); false at the end of the text. After an error the reader
  /// must not be used further.
  Result<bool> next();

  const std::vector<std::string_view>& fields() const { return fields_; }
  /// The line on which the record of fields() began, from 1.
  int64_t line() const { return record_line_; }
  /// Where in the text the record began, and where the next one may.
  size_t record_start() const { return record_start_; }
  size_t position() const { return at_; }

 private:
  Status quoted_field();
  Status plain_field();
  bool end_line();
  Error fault(std::string_view what) const;
  Error too_long() const;

  std::string_view text_;
  Limits limits_;
  size_t at_ = 0;
  size_t record_start_ = 0;
  int64_t line_ = 1;
  int64_t record_line_ = 1;
  std::vector<std::string_view> fields_;
  std::vector<std::string> unescaped_;  // fields that had doubled quotes
};

/// The field as it must stand in a file: quoted when it has a comma, quote or line end.
std::string csv_field(std::string_view value);

}  // namespace thaw::predict
