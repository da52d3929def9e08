// Signed URLs: what is signed, what is refused and with which words.
#include "storage_api/signed_url.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "objects/checksums.h"
#include "storage_api/target.h"

namespace thaw::storage_api {
namespace {

using testing::HasSubstr;

constexpr std::string_view kAccount = "worker@p.iam.gserviceaccount.com";
const WallTime kNow = *parse_rfc3339("2026-11-29T14:30:00Z");

/// Signatures that anybody can make: the text's hash.
class OpenSignatories final : public Signatories {
 public:
  Verdict judge(std::string_view account, std::string_view text,
                std::string_view signature) override {
    if (account != kAccount) return Verdict::kUnknownAccount;
    return signature == objects::sha256_hex(text) ? Verdict::kGood : Verdict::kWrong;
  }
};

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

/// A request as a client makes it, by the documents of version 4 and in its own words.
struct Client {
  std::string method = "GET";
  std::string path = "/bkt/a/b%20c.txt";
  std::string host = "127.0.0.1:8081";
  std::string signed_host = "127.0.0.1:8081";
  http::Headers headers = {};               // sent and signed
  std::map<std::string, std::string> more;  // of the query, encoded
  std::string date = "20261129T142900Z";
  std::string expires = "300";
  std::string account = std::string(kAccount);

  http::Request request() const {
    std::map<std::string, std::string> lines{{"host", signed_host}};
    for (const auto& header : headers) lines[header.name] = header.value;
    std::string names, values;
    for (const auto& [name, value] : lines) {
      names += (names.empty() ? "" : ";") + name;
      values += name + ":" + value + "\n";
    }
    const std::string scope = date.substr(0, 8) + "/auto/storage/goog4_request";
    std::map<std::string, std::string> query = more;
    query["X-Goog-Algorithm"] = "GOOG4-RSA-SHA256";
    query["X-Goog-Credential"] = http::percent_encode(account + "/" + scope);
    query["X-Goog-Date"] = date;
    query["X-Goog-Expires"] = expires;
    query["X-Goog-SignedHeaders"] = http::percent_encode(names);
    std::string joined;
    for (const auto& [name, value] : query) {
      joined += (joined.empty() ? "" : "&") + name + "=" + value;
    }
    const std::string canonical = method + "\n" + path + "\n" + joined + "\n" + values + "\n" +
                                  names + "\n" + "UNSIGNED-PAYLOAD";
    const std::string text =
        "GOOG4-RSA-SHA256\n" + date + "\n" + scope + "\n" + objects::sha256_hex(canonical);
    http::Request request{.method = method, .path = path, .host = host};
    request.headers = headers;
    request.query =
        http::parse_query("X-Goog-Signature=" + hex(objects::sha256_hex(text)) + "&" + joined);
    return request;
  }
};

/// The code and details of the refusal; "" where there is none.
std::string refused(const http::Request& request, WallTime now = kNow) {
  OpenSignatories signatories;
  const auto reading = read_signed_url(request, request.path, now);
  if (std::holds_alternative<NotSigned>(reading)) return "not signed";
  const auto* fault = std::get_if<XmlError>(&reading);
  const auto found = fault != nullptr ? std::optional(*fault)
                                      : refusal_of(std::get<SignedUrl>(reading), signatories);
  if (!found) return "";
  std::string text = fmt::format("{} {}", found->status, found->code);
  for (const auto& [name, value] : found->elements) text += fmt::format(" {}: {}", name, value);
  return text;
}

void set(http::Request& request, std::string_view name, std::string value) {
  for (auto& pair : request.query) {
    if (pair.first == name) pair.second = std::move(value);
  }
}

TEST(SignedUrls, AreTakenAsClientsMakeThem) {
  EXPECT_EQ(refused(Client().request()), "");
  Client client;
  client.method = "PUT";
  client.headers = {{"content-type", "text/csv"}, {"x-goog-meta-a", "b"}};
  client.more = {{"generation", "7"}, {"response-content-disposition", "attachment%3B%20x%3D%22y"}};
  EXPECT_EQ(refused(client.request()), "");
  EXPECT_EQ(refused({.path = "/bkt/o"}), "not signed");
}

TEST(SignedUrls, TheHostIsSignedWithItsPortOrWithout) {
  Client client;
  client.signed_host = "127.0.0.1";
  EXPECT_EQ(refused(client.request()), "");
  client.host = "BKT.Storage.localhost:1";
  client.signed_host = "bkt.storage.localhost";
  EXPECT_EQ(refused(client.request()), "");
  client.host = client.signed_host = "[::1]";
  EXPECT_EQ(refused(client.request()), "");
  client.signed_host = "other";
  EXPECT_THAT(refused(client.request()), HasSubstr("403 SignatureDoesNotMatch"));
}

TEST(SignedUrls, NamesOfParametersMayBeSmall) {
  http::Request request = Client().request();
  for (auto& [name, value] : request.query) {
    std::transform(name.begin(), name.end(), name.begin(), ::tolower);
  }
  // What is signed has the names as they were sent, so the signature is another one.
  EXPECT_THAT(refused(request), HasSubstr("CanonicalRequest: GET\n/bkt/a/b%20c.txt\nx-goog-algo"));
}

TEST(SignedUrls, WhateverIsChangedIsRefused) {
  const http::Request good = Client().request();
  const auto changed = [&](auto change) {
    http::Request request = good;
    change(request);
    return refused(request);
  };
  const auto mismatch = HasSubstr("403 SignatureDoesNotMatch");
  EXPECT_THAT(changed([](auto& r) { r.path = "/bkt/a/other"; }), mismatch);
  EXPECT_THAT(changed([](auto& r) { r.method = "DELETE"; }), mismatch);
  EXPECT_THAT(changed([](auto& r) { r.query.emplace_back("generation", "1"); }), mismatch);
  EXPECT_THAT(changed([](auto& r) { set(r, "X-Goog-Expires", "301"); }), mismatch);
  EXPECT_THAT(changed([](auto& r) { set(r, "X-Goog-Signature", "00ff"); }), mismatch);
  Client other;
  other.account = "stranger@p";
  EXPECT_THAT(refused(other.request()), HasSubstr("No key of the account is known"));
  Client with_header;
  with_header.headers = {{"x-goog-meta-a", "b"}};
  http::Request request = with_header.request();
  request.headers.set("x-goog-meta-a", "c");
  EXPECT_THAT(refused(request), mismatch);
  // What would change a copy is signed, or is not there.
  for (const char* name : {"x-goog-copy-source", "x-amz-copy-source", "X-Amz-Metadata-Directive",
                           "x-amz-copy-source-if-match"}) {
    EXPECT_THAT(changed([&](auto& r) { r.headers.set(name, "a"); }), HasSubstr("is not signed"))
        << name;
  }
}

TEST(SignedUrls, TheyHoldFromTheirDateAndNotForEver) {
  Client client;
  EXPECT_EQ(refused(client.request(), kNow + seconds(239)), "");
  EXPECT_THAT(refused(client.request(), kNow + seconds(240)),
              HasSubstr("400 ExpiredToken Details: The provided token has expired. Request "
                        "signature expired at: 2026-11-29T14:34:00Z"));
  EXPECT_EQ(refused(client.request(), kNow - seconds(900)), "");
  EXPECT_THAT(refused(client.request(), kNow - seconds(1000)),
              HasSubstr("403 RequestTimeTooSkewed"));
  client.expires = "604800";
  EXPECT_EQ(refused(client.request()), "");
  for (const char* bad : {"604801", "0", "-1", "1.5", "", "99999999999999999999"}) {
    client.expires = bad;
    EXPECT_THAT(refused(client.request()),
                HasSubstr("400 MalformedSecurityHeader ParameterName: x-goog-expires"))
        << bad;
  }
}

TEST(SignedUrls, WhatIsMalformedIsNamed) {
  const struct {
    const char* parameter;
    const char* value;
    const char* says;
  } rows[] = {
      {"X-Goog-Algorithm", "GOOG4-HMAC-SHA256", "x-goog-algorithm"},
      {"X-Goog-Credential", "a/20261129/auto/storage", "x-goog-credential"},
      {"X-Goog-Credential", "/20261129/auto/storage/goog4_request", "x-goog-credential"},
      {"X-Goog-Credential", "a/20261128/auto/storage/goog4_request", "x-goog-credential"},
      {"X-Goog-Credential", "a/20261129//storage/goog4_request", "x-goog-credential"},
      {"X-Goog-Credential", "a/20261129/auto/s3/goog4_request", "x-goog-credential"},
      {"X-Goog-Credential", "a\x01/20261129/auto/storage/goog4_request", "x-goog-credential"},
      {"X-Goog-Date", "20261129", "x-goog-date"},
      {"X-Goog-Date", "20261329T142900Z", "x-goog-date"},
      {"X-Goog-Date", "2026112.T142900Z", "x-goog-date"},
      {"X-Goog-SignedHeaders", "", "x-goog-signedheaders"},
      {"X-Goog-SignedHeaders", "content-type", "host must be among"},
      {"X-Goog-SignedHeaders", "host;host", "x-goog-signedheaders"},
      {"X-Goog-SignedHeaders", "host;;a", "x-goog-signedheaders"},
      {"X-Goog-SignedHeaders", "absent;host", "ParameterName: absent"},
      {"X-Goog-Signature", "xyz", "not hex"},
      {"X-Goog-Signature", "", "not hex"},
  };
  for (const auto& row : rows) {
    http::Request request = Client().request();
    set(request, row.parameter, row.value);
    const std::string text = refused(request);
    EXPECT_THAT(text, HasSubstr("400 MalformedSecurityHeader")) << row.parameter << row.value;
    EXPECT_THAT(text, HasSubstr(row.says)) << row.value;
  }
  for (const char* name : {"X-Goog-Algorithm", "X-Goog-Credential", "X-Goog-Date", "X-Goog-Expires",
                           "X-Goog-SignedHeaders", "X-Goog-Signature"}) {
    http::Request request = Client().request();
    std::erase_if(request.query, [&](const auto& pair) { return pair.first == name; });
    EXPECT_THAT(refused(request), HasSubstr("must be given once")) << name;
    request = Client().request();
    request.query.emplace_back(name, "twice");
    EXPECT_THAT(refused(request), HasSubstr("must be given once")) << name;
  }
  http::Request request = Client().request();
  request.headers.add("x-goog-acl", "public-read");
  EXPECT_THAT(refused(request), HasSubstr("ParameterName: x-goog-acl"));
}

TEST(SignedUrls, OfVersion2HoldTillTheySay) {
  const std::string text = fmt::format("PUT\n\ntext/csv\n1795963000\nx-goog-meta-a:b\n/bkt/o");
  http::Request request{.method = "PUT", .path = "/bkt/o"};
  request.headers = {{"Content-Type", "text/csv"}, {"X-Goog-Meta-A", "b"}};
  request.query = {
      {"GoogleAccessId", std::string(kAccount)}, {"Expires", "1795963000"}, {"Signature", ""}};
  // The test's signatures are hex digits, which are base64 of something too.
  class Base64Signatories final : public Signatories {
   public:
    explicit Base64Signatories(std::string text) : text_(std::move(text)) {}
    Verdict judge(std::string_view, std::string_view text, std::string_view) override {
      return text == text_ ? Verdict::kGood : Verdict::kWrong;
    }

   private:
    std::string text_;
  } signatories(text);
  set(request, "Signature", "c2lnbmF0dXJl");
  const WallTime end{std::chrono::seconds(1795963000)};
  const auto good = read_signed_url(request, "/bkt/o", end - seconds(1));
  ASSERT_TRUE(std::holds_alternative<SignedUrl>(good));
  EXPECT_EQ(std::get<SignedUrl>(good).signature, "signature");
  EXPECT_FALSE(refusal_of(std::get<SignedUrl>(good), signatories));
  const auto other = read_signed_url(request, "/bkt/other", end - seconds(1));
  EXPECT_TRUE(refusal_of(std::get<SignedUrl>(other), signatories));
  EXPECT_THAT(refused(request, end), HasSubstr("400 ExpiredToken"));
  set(request, "Signature", "!");
  EXPECT_THAT(refused(request, end - seconds(1)), HasSubstr("not base64"));
  set(request, "Expires", "soon");
  EXPECT_THAT(refused(request), HasSubstr("ParameterName: Expires"));
  EXPECT_FALSE(is_signed({{"Expires", "1"}})) << "anybody's parameter";
}

/// However names and queries are made of bytes, the canonical form is one for all ways to write
/// them, has no other characters than it may, and says the same.
TEST(SignedUrls, TheCanonicalFormIsOne) {
  std::mt19937 chance(7);
  for (int turn = 0; turn < 2000; ++turn) {
    std::string name;
    for (size_t i = chance() % 20; i > 0; --i) name += static_cast<char>(chance() % 256);
    std::string written;  // each byte as it is or escaped, as senders please
    for (const char c : name) {
      const bool plain = http::percent_encode({&c, 1}) == std::string(1, c) || c == '/';
      written += plain && chance() % 2 != 0
                     ? std::string(1, c)
                     : fmt::format(fmt::runtime(chance() % 2 != 0 ? "%{:02X}" : "%{:02x}"),
                                   static_cast<unsigned char>(c));
    }
    const auto path = canonical_path("/" + written);
    ASSERT_TRUE(path);
    EXPECT_EQ(*path, *canonical_path(*path)) << "twice is once";
    EXPECT_EQ(*http::percent_decode(*path), "/" + name);
    http::Query query;
    for (size_t i = chance() % 5; i > 0; --i) {
      query.emplace_back(std::string(chance() % 3, static_cast<char>(unsigned(chance()) % 256)),
                         name);
    }
    const std::string text = canonical_query(query);
    http::Query back = http::parse_query(text);
    std::erase_if(query, [](const auto& pair) { return pair.first.empty(); });
    std::erase_if(back, [](const auto& pair) { return pair.first.empty(); });
    std::sort(query.begin(), query.end());
    std::sort(back.begin(), back.end());
    EXPECT_EQ(back, query);
    std::shuffle(query.begin(), query.end(), chance);
    query.emplace_back("X-goog-SIGNATURE", "x");
    EXPECT_EQ(canonical_query(query).find("SIGNATURE"), std::string::npos);
  }
  EXPECT_FALSE(canonical_path("/a%2"));
}

TEST(XmlErrors, AreWellFormedWhateverTheySay) {
  const http::Response reply = xml_reply({404, "NoSuchKey", "a<b", {{"Details", "&\x01\xff>\n"}}});
  EXPECT_EQ(reply.body,
            "<?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchKey</Code><Message>a&lt;b"
            "</Message><Details>&amp; ?&gt;\n</Details></Error>");
  EXPECT_EQ(reply.headers.get("content-type"), "application/xml; charset=UTF-8");
  EXPECT_EQ(xml_error_of(Error(Code::kNotFound, "No such object: bucket/o")).code, "NoSuchKey");
  EXPECT_EQ(xml_error_of(Error(Code::kNotFound, "The specified bucket does not exist: b")).code,
            "NoSuchBucket");
}

TEST(Targets, ABucketMayStandInTheHost) {
  EXPECT_EQ(bucket_of_host("my.bucket.storage.googleapis.com"), "my.bucket");
  EXPECT_EQ(bucket_of_host("BKT.storage.localhost:8081"), "bkt");
  EXPECT_EQ(bucket_of_host("storage.googleapis.com"), std::nullopt);
  EXPECT_EQ(bucket_of_host("a/b.storage.localhost"), std::nullopt);
  EXPECT_EQ(bucket_of_host("bkt.storage.localhost.evil.example"), std::nullopt);
  const auto none = [](std::string_view) { return true; };
  const auto target = target_of({.path = "/v1/x%2Fy", .host = "bkt.storage.localhost"}, none);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->bucket + ":" + target->object, "bkt:v1/x/y");
  EXPECT_EQ(target->kind, Target::Kind::kXmlObject);
  EXPECT_EQ(target_of({.path = "/", .host = "bkt.storage.localhost"}, none)->kind,
            Target::Kind::kXmlBucket);
}

}  // namespace
}  // namespace thaw::storage_api
