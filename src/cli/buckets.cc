#include "cli/buckets.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <fstream>

#include "http/query.h"

namespace thaw::cli {
namespace {

constexpr int64_t kPiece = 8 << 20;
constexpr int kAttempts = 5;
constexpr Duration kPieceTime = seconds(3600);
constexpr ByteCount kLargest = {int64_t{1} << 50};

Failure local(Code code, const std::string& file, std::string_view why) {
  return Failure(Error(code, fmt::format("{}: {}", file, why)));
}

bool may_be_tried_again(const Failure& failure) {
  return failure.error.code() == Code::kUnavailable;
}

std::string objects_path(std::string_view bucket) {
  return fmt::format("/storage/v1/b/{}/o", http::percent_encode(bucket));
}

}  // namespace

Outcome<GsUrl> GsUrl::parse(std::string_view text) {
  const std::string_view rest = text.substr(5);
  const size_t slash = rest.find('/');
  GsUrl url{std::string(rest.substr(0, slash)), ""};
  if (slash != rest.npos) url.name = rest.substr(slash + 1);
  if (!url.bucket.empty()) return url;
  return usage_failure(fmt::format("'{}': gs://BUCKET/NAME is wanted", text));
}

std::string GsUrl::path() const { return objects_path(bucket) + "/" + http::percent_encode(name); }

Outcome<Buckets> Buckets::open(Context& context) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  return Buckets(context, std::move(api));
}

Outcome<http::Response> Buckets::send(std::string_view method, const std::string& target,
                                      std::string body, http::Headers headers) {
  http::Request request{
      .method = std::string(method), .target = target, .headers = std::move(headers)};
  request.body = std::move(body);
  auto answer =
      http_call(context_->ports, api_.address(), std::move(request), {.timeout = kPieceTime});
  if (!answer) return Failure(std::move(answer).error());
  if (answer->status >= 400) return Failure(error_of(*answer));
  return *std::move(answer);
}

// ---- Up -----------------------------------------------------------------------------------------

Outcome<ExitCode> Buckets::upload_small(const std::string& content, const GsUrl& to) {
  const std::string target = fmt::format("/upload{}?uploadType=media&name={}",
                                         objects_path(to.bucket), http::percent_encode(to.name));
  ASSIGN_OR_RETURN(const auto answer,
                   send("POST", target, content, {{"content-type", "application/octet-stream"}}));
  return ExitCode::kOk;
}

/// The path of a new session.
Outcome<std::string> Buckets::begin(const GsUrl& to, int64_t size) {
  const std::string target = fmt::format("/upload{}?uploadType=resumable&name={}",
                                         objects_path(to.bucket), http::percent_encode(to.name));
  ASSIGN_OR_RETURN(const auto answer, send("POST", target, "{}",
                                           {{"content-type", "application/json"},
                                            {"x-upload-content-length", std::to_string(size)}}));
  const std::string location(answer.headers.get("location"));
  const size_t path = location.find("/upload/");
  if (path != location.npos) return location.substr(path);
  return Failure(Error(Code::kInternal, "the platform named no place for the upload"));
}

/// How many bytes the platform has.
Outcome<int64_t> Buckets::kept(const std::string& session) {
  ASSIGN_OR_RETURN(const auto answer, send("PUT", session, "", {{"content-range", "bytes */*"}}));
  const std::string_view range = answer.headers.get("range");
  const size_t dash = range.find('-');
  int64_t last = -1;
  if (dash != range.npos)
    std::from_chars(range.data() + dash + 1, range.data() + range.size(), last);
  return last + 1;
}

Outcome<ExitCode> Buckets::upload(const std::string& file, const GsUrl& to,
                                  const Progress& progress) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) return local(Code::kNotFound, file, "cannot be read");
  const int64_t size = in.tellg();
  std::string piece;
  const auto read_from = [&](int64_t at) {
    piece.resize(static_cast<size_t>(std::min(kPiece, size - at)));
    in.clear();
    in.seekg(at);
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    return in.gcount() == static_cast<std::streamsize>(piece.size());
  };
  if (size <= kPiece) {
    if (!read_from(0)) return local(Code::kDataLoss, file, "changed while it was read");
    RETURN_IF_ERROR(upload_small(piece, to));
    progress(size, size);
    return ExitCode::kOk;
  }
  ASSIGN_OR_RETURN(const std::string session, begin(to, size));
  int attempts = 0;
  for (int64_t at = 0; at < size;) {
    if (!read_from(at)) return local(Code::kDataLoss, file, "changed while it was read");
    const int64_t end = at + static_cast<int64_t>(piece.size());
    const auto sent = send("PUT", session, piece,
                           {{"content-range", fmt::format("bytes {}-{}/{}", at, end - 1, size)}});
    if (sent) {
      at = end;
      progress(at, size);
      continue;
    }
    if (!may_be_tried_again(sent.error()) || ++attempts >= kAttempts) return sent.error();
    pause_for(context_->ports, seconds(attempts));
    if (const auto there = kept(session)) at = *there;
  }
  return ExitCode::kOk;
}

// ---- Down ---------------------------------------------------------------------------------------

Outcome<ExitCode> Buckets::read(const GsUrl& from, int64_t offset,
                                const std::function<bool(std::string_view piece)>& take) {
  http::Request request{.target = from.path() + "?alt=media"};
  if (offset > 0) request.headers.add("range", fmt::format("bytes={}-", offset));
  std::string fault;
  auto answer = http_call(context_->ports, api_.address(), std::move(request),
                          {.timeout = kPieceTime * 24,
                           .largest_body = kLargest,
                           .on_body = [&](const http::Response& head, std::string_view piece) {
                             if (head.status < 300) return take(piece);
                             fault += piece;
                             return fault.size() < (1 << 20);
                           }});
  if (!answer) return Failure(std::move(answer).error());
  answer->body = std::move(fault);
  if (answer->status == 416) return ExitCode::kOk;  // all was there
  if (answer->status >= 300) return Failure(error_of(*answer));
  return ExitCode::kOk;
}

Outcome<ExitCode> Buckets::download(const GsUrl& from, const std::string& file,
                                    const Progress& progress) {
  ASSIGN_OR_RETURN(const Json object, describe(from));
  int64_t size = 0;
  const std::string text = object.string_or("size");
  std::from_chars(text.data(), text.data() + text.size(), size);
  const std::string part = file + ".part";
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  if (!out) return local(Code::kPermissionDenied, part, "cannot be written");
  int64_t at = 0;
  const auto take = [&](std::string_view piece) {
    out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
    at += static_cast<int64_t>(piece.size());
    progress(at, size);
    return out.good();
  };
  for (int attempt = 1; at < size || attempt == 1; ++attempt) {
    const auto got = read(from, at, take);
    if (!out) {
      std::filesystem::remove(part);
      return local(Code::kResourceExhausted, part, "cannot be written; is the disk full?");
    }
    if (got) break;
    if (!may_be_tried_again(got.error()) || attempt >= kAttempts) {
      std::filesystem::remove(part);
      return got.error();
    }
    pause_for(context_->ports, seconds(attempt));
  }
  out.close();
  std::error_code fault;
  if (at == size && out) std::filesystem::rename(part, file, fault);
  if (at != size || !out || fault) {
    std::filesystem::remove(part, fault);
    return local(Code::kDataLoss, file, "the download is not whole; try again");
  }
  return ExitCode::kOk;
}

// ---- The rest -----------------------------------------------------------------------------------

Outcome<ExitCode> Buckets::copy(const GsUrl& from, const GsUrl& to) {
  const std::string target =
      fmt::format("{}/rewriteTo/b/{}/o/{}", from.path(), http::percent_encode(to.bucket),
                  http::percent_encode(to.name));
  ASSIGN_OR_RETURN(const Json done, api_.post(target, Json::object()));
  return ExitCode::kOk;
}

Outcome<ExitCode> Buckets::remove(const GsUrl& what) {
  ASSIGN_OR_RETURN(const auto answer, send("DELETE", what.path(), "", {}));
  return ExitCode::kOk;
}

Outcome<ExitCode> Buckets::remove_bucket(std::string_view bucket) {
  ASSIGN_OR_RETURN(const auto answer,
                   send("DELETE", "/storage/v1/b/" + http::percent_encode(bucket), "", {}));
  return ExitCode::kOk;
}

Outcome<Json> Buckets::describe(const GsUrl& what) { return api_.get(what.path()); }
Outcome<Json> Buckets::buckets() { return api_.get("/storage/v1/b"); }
Outcome<Json> Buckets::create(std::string_view bucket) {
  return api_.post("/storage/v1/b?project=thaw", Json::object({{"name", bucket}}));
}

Outcome<Buckets::Listed> Buckets::list(const GsUrl& prefix, Depth depth) {
  Listed listed;
  std::string query = "?prefix=" + http::percent_encode(prefix.name);
  if (depth == Depth::kFolder) query += "&delimiter=%2F";
  std::string token;
  do {
    const std::string more = token.empty() ? "" : "&pageToken=" + http::percent_encode(token);
    ASSIGN_OR_RETURN(const Json page, api_.get(objects_path(prefix.bucket) + query + more));
    if (page["items"].is_array()) {
      for (const Json& item : page["items"].as_array()) listed.objects.push_back(item);
    }
    if (page["prefixes"].is_array()) {
      for (const Json& item : page["prefixes"].as_array()) {
        if (item.is_string()) listed.prefixes.push_back(item.as_string());
      }
    }
    token = page.string_or("nextPageToken");
  } while (!token.empty());
  return listed;
}

}  // namespace thaw::cli
