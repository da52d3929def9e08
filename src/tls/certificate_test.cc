#include "tls/certificate.h"

#include <gmock/gmock.h>

#include "tls/certificates.h"
#include "tls/tls_testing.h"

namespace thaw::tls {
namespace {

using testing::HasSubstr;

class CertificateTest : public testing::Test {
 protected:
  Authority::Pem pem(const std::vector<std::string>& names, WallTime now = day(0)) const {
    return *authority.issue_pem(names, now);
  }
  SharedCertificate make(const std::vector<std::string>& names) const {
    return std::make_shared<const Certificate>(*authority.issue(names, day(0)));
  }
  std::string refusal(std::string_view chain, std::string_view key) const {
    const auto made = Certificate::parse(chain, key, {"c.pem", "k.pem"});
    return made ? "taken" : made.error().message();
  }

  Folder folder;
  Authority authority = *Authority::load_or_make(folder.disk, folder / "ca", day(0));
};

TEST(CertificateName, AStarIsOneWholeLabel) {
  const struct {
    const char *name, *host;
    bool covers;
  } cases[] = {{"a.example.org", "a.example.org", true},
               {"a.example.org", "b.example.org", false},
               {"*.example.org", "a.example.org", true},
               {"*.example.org", "example.org", false},
               {"*.example.org", "a.b.example.org", false},
               {"*.example.org", ".example.org", false},
               {"*.example.org", "aexample.org", false},
               {"a*.example.org", "ab.example.org", false},
               {"*", "localhost", false}};
  for (const auto& [name, host, covers] : cases) {
    EXPECT_EQ(name_covers(name, host), covers) << name << " " << host;
  }
}

TEST_F(CertificateTest, KnowsItsNamesTimesAndIssuer) {
  const auto made = authority.issue({"api.example.org", "*.example.org"}, day(0));
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_THAT(made->names(), testing::ElementsAre("api.example.org", "*.example.org"));
  EXPECT_TRUE(made->covers("x.example.org"));
  EXPECT_EQ(made->not_after(), day(30));
  EXPECT_THAT(made->issuer(), HasSubstr("Thaw local authority"));
}

TEST_F(CertificateTest, WhatDoesNotFitIsNamed) {
  const Authority::Pem one = pem({"a.test"});
  const Folder other;
  Folder second;
  const Authority stranger = *Authority::load_or_make(second.disk, second / "ca", day(0));
  const Authority::Pem two = *stranger.issue_pem({"a.test"}, day(0));
  EXPECT_THAT(refusal("", one.key), HasSubstr("c.pem: holds no certificate in PEM"));
  EXPECT_THAT(refusal(one.key, one.key), HasSubstr("c.pem: holds no certificate"));
  EXPECT_THAT(refusal(one.chain, ""), HasSubstr("k.pem: holds no private key in PEM"));
  EXPECT_THAT(refusal(one.chain, two.key),
              HasSubstr("k.pem: this private key does not belong to the certificate in c.pem"));
  EXPECT_THAT(refusal(one.chain,
                      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n"
                      "-----END ENCRYPTED PRIVATE KEY-----\n"),
              HasSubstr("k.pem: the private key has a passphrase"));
  EXPECT_THAT(refusal(one.chain + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                      one.key),
              HasSubstr("c.pem: certificate 2 of the chain is malformed"));
  EXPECT_EQ(refusal(one.chain + two.chain, one.key), "taken");
}

TEST_F(CertificateTest, IsRefusedBeforeAndAfterItsTime) {
  const auto made = authority.issue({"a.test"}, day(0));
  EXPECT_TRUE(made->check_time(day(1), {"c.pem", ""}));
  EXPECT_THAT(made->check_time(day(31), {"c.pem", ""}).error().message(),
              HasSubstr("c.pem: the certificate expired at 20"));
  EXPECT_THAT(made->check_time(day(-2), {"c.pem", ""}).error().message(),
              HasSubstr("is not valid before"));
}

TEST_F(CertificateTest, TheExactNameWinsOverAWildcardOverTheDefault) {
  const auto exact = make({"a.example.org"});
  const auto wild = make({"*.example.org"});
  const auto other = make({"other.test"});
  Certificates all;
  EXPECT_EQ(all.choose("a.example.org"), nullptr);
  all.add(wild);
  all.add(exact);
  all.add(make({"a.example.org"}));  // comes too late
  all.set_default(other);
  EXPECT_EQ(all.choose("a.example.org"), exact);
  EXPECT_EQ(all.choose("A.Example.ORG."), exact);
  EXPECT_EQ(all.choose("b.example.org"), wild);
  for (const char* host :
       {"example.org", "b.c.example.org", "*.example.org", "", ".", ".example.org"}) {
    EXPECT_EQ(all.choose(host), other) << host;
    EXPECT_EQ(all.find(host), nullptr) << host;
  }
}

TEST_F(CertificateTest, NoNameThatAClientInventsChoosesWhatDoesNotCoverIt) {
  Certificates all;
  all.add(make({"a.example.org", "*.b.example.org"}));
  std::mt19937 random(7);
  constexpr std::string_view kLetters = "ab.*-exmplorgAB\0";
  for (int i = 0; i < 20'000; ++i) {
    std::string host;
    for (size_t n = random() % 20; n > 0; --n) host += kLetters[random() % kLetters.size()];
    if (random() % 2 == 0) host += ".b.example.org";
    const auto found = all.find(host);
    if (found != nullptr) {
      EXPECT_TRUE(found->covers(normalize_name(host))) << host;
    }
  }
}

TEST_F(CertificateTest, TheAuthorityIsKeptAndItsKeyIsPrivate) {
  const auto again = Authority::load_or_make(folder.disk, folder / "ca", day(5));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->root_pem(), authority.root_pem());
  EXPECT_TRUE(again->issue({"a.test", "127.0.0.1", "::1"}, day(5)));
  const auto later = Authority::load_or_make(folder.disk, folder / "ca", day(3640));
  EXPECT_NE(later->root_pem(), authority.root_pem());  // it had nearly expired
  ASSERT_EQ(::chmod((folder / "ca/ca-key.pem").c_str(), 0644), 0);
  const auto open = Authority::load_or_make(folder.disk, folder / "ca", day(5));
  ASSERT_FALSE(open);
  EXPECT_THAT(open.error().message(), HasSubstr("ca-key.pem: its mode 0644 lets others read"));
}

TEST_F(CertificateTest, TheAuthorityIssuesForHostNamesOnly) {
  for (const char* name :
       {"a.test,DNS:evil.test", "A.test", "a..test", ".test", "a b", "", "*.", "-*.a"}) {
    EXPECT_FALSE(authority.issue_pem({"a.test", name}, day(0))) << name;
  }
  EXPECT_FALSE(authority.issue_pem({std::string(64, 'a') + ".test"}, day(0)));
}

}  // namespace
}  // namespace thaw::tls
