// Buckets: gs:// URLs, and the calls of Cloud Storage's API that the storage commands make.
//
// Contents move in pieces of 8 MiB, so memory does not grow with the file; a transfer that breaks
// goes on where it was. Thread: the caller's of run(). Owner: the context outlives it.
// Limits: five attempts a transfer; an hour for one piece.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/api.h"

namespace thaw::cli {

/// "gs://BUCKET/NAME".
struct GsUrl {
  std::string bucket;
  std::string name;  // may be empty, or end in '/'

  static bool is_one(std::string_view text) { return text.starts_with("gs://"); }
  /// kUsage: no bucket.
  static Outcome<GsUrl> parse(std::string_view text);
  std::string str() const { return "gs://" + bucket + "/" + name; }
  /// The API's path of the object.
  std::string path() const;
};

class Buckets {
 public:
  static Outcome<Buckets> open(Context& context);

  /// Called with the bytes moved so far and the size of the whole.
  using Progress = std::function<void(int64_t done, int64_t size)>;
  Outcome<ExitCode> upload(const std::string& file, const GsUrl& to, const Progress& progress);
  /// Into FILE by way of FILE.part, so that a broken download leaves no half file.
  Outcome<ExitCode> download(const GsUrl& from, const std::string& file, const Progress& progress);
  /// To `take` piece by piece; false ends it.
  Outcome<ExitCode> read(const GsUrl& from, int64_t offset,
                         const std::function<bool(std::string_view piece)>& take);
  Outcome<ExitCode> copy(const GsUrl& from, const GsUrl& to);
  Outcome<ExitCode> remove(const GsUrl& what);
  Outcome<Json> describe(const GsUrl& what);
  Outcome<Json> buckets();
  Outcome<Json> create(std::string_view bucket);
  Outcome<ExitCode> remove_bucket(std::string_view bucket);

  struct Listed {
    std::vector<Json> objects;
    std::vector<std::string> prefixes;
  };
  enum class Depth { kFolder, kAll };
  Outcome<Listed> list(const GsUrl& prefix, Depth depth);

 private:
  Buckets(Context& context, Api api) : context_(&context), api_(std::move(api)) {}
  Outcome<http::Response> send(std::string_view method, const std::string& target, std::string body,
                               http::Headers headers);
  Outcome<ExitCode> upload_small(const std::string& content, const GsUrl& to);
  Outcome<std::string> begin(const GsUrl& to, int64_t size);
  Outcome<int64_t> kept(const std::string& session);

  Context* context_;
  Api api_;
};

}  // namespace thaw::cli
