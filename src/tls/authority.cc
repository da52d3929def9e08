#include "tls/authority.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>

#include "base/check.h"
#include "tls/private_file.h"

namespace thaw::tls {
namespace {

using Bio = Owned<BIO, BIO_free_all>;
using Names = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;
using Cert = std::shared_ptr<X509>;
using Key = std::shared_ptr<EVP_PKEY>;

constexpr ByteCount kLargest = kib(64);
constexpr Duration kRootLife = std::chrono::hours(24 * 3650);
constexpr Duration kLeafLife = std::chrono::hours(24 * 30);
constexpr Duration kClocksDiffer = std::chrono::hours(24);

Key make_key() {
  Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  CHECK(key != nullptr, "a P-256 key");
  return key;
}

template <class Write>
std::string pem_by(Write write) {
  const Bio bio(BIO_new(BIO_s_mem()));
  CHECK(write(bio.get()) == 1, "PEM in memory");
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

std::string pem_of(X509* certificate) {
  return pem_by([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

std::string pem_of(EVP_PKEY* key) {
  return pem_by([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

void set_time(ASN1_TIME* to, WallTime at) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(at.time_since_epoch());
  CHECK(ASN1_TIME_set(to, whole.count()) != nullptr);
}

/// A certificate that lacks its issuer, its extensions and its signature.
Cert begin(EVP_PKEY* key, const std::string& name, WallTime now, Duration life) {
  Cert made(X509_new(), X509_free);
  X509_set_version(made.get(), X509_VERSION_3);
  std::array<unsigned char, 16> serial;
  CHECK(RAND_bytes(serial.data(), serial.size()) == 1);
  serial[0] = (serial[0] & 0x3f) | 0x40;  // positive, and of that length
  const Owned<BIGNUM, BN_free> number(BN_bin2bn(serial.data(), serial.size(), nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(made.get()));
  set_time(X509_getm_notBefore(made.get()), now - kClocksDiffer);
  set_time(X509_getm_notAfter(made.get()), now + life);
  X509_set_pubkey(made.get(), key);
  const auto* text = reinterpret_cast<const unsigned char*>(name.data());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8, text,
                             static_cast<int>(name.size()), -1, 0);
  return made;
}

void extend(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  CHECK(extension != nullptr, value);
  X509_add_ext(certificate, extension.get(), -1);
}

void sign(X509* certificate, EVP_PKEY* key) {
  CHECK(X509_sign(certificate, key, EVP_sha256()) > 0, "a signature");
}

/// The bytes of an IP address; "" when it is none.
std::string ip_bytes(const std::string& text) {
  std::array<char, 16> bytes;
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return {bytes.data(), 4};
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return {bytes.data(), 16};
  return "";
}

/// By hand: OpenSSL's own notation would let a comma in a name add another.
Status add_names(X509* certificate, const std::vector<std::string>& names) {
  const Names all(GENERAL_NAMES_new());
  for (const std::string& text : names) {
    const std::string ip = ip_bytes(text);
    if (ip.empty() && !is_host_name(text)) {
      return Error(Code::kInvalidArgument, fmt::format("'{}' is no host name", text));
    }
    const std::string& bytes = ip.empty() ? text : ip;
    GENERAL_NAME* const name = GENERAL_NAME_new();
    ASN1_STRING* const value =
        ASN1_STRING_type_new(ip.empty() ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);
    ASN1_STRING_set(value, bytes.data(), static_cast<int>(bytes.size()));
    GENERAL_NAME_set0_value(name, ip.empty() ? GEN_DNS : GEN_IPADD, value);
    sk_GENERAL_NAME_push(all.get(), name);
  }
  CHECK(X509_add1_ext_i2d(certificate, NID_subject_alt_name, all.get(), 0, 0) == 1);
  return {};
}

}  // namespace

bool is_host_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > 253) return false;
  size_t label = 0;
  for (const char c : name) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!is_letter && (c != '.' || label == 0)) return false;
    label = c == '.' ? 0 : label + 1;
    if (label > 63) return false;
  }
  return label > 0;
}

Status Authority::make(io::Disk& disk, const std::string& key_path, WallTime now) {
  std::array<unsigned char, 4> mark;
  CHECK(RAND_bytes(mark.data(), mark.size()) == 1);
  const std::string name =
      fmt::format("Thaw local authority {:02x}", fmt::join(mark.begin(), mark.end(), ""));
  root_ = begin(key_.get(), name, now, kRootLife);
  X509_set_issuer_name(root_.get(), X509_get_subject_name(root_.get()));
  extend(root_.get(), root_.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  extend(root_.get(), root_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(root_.get(), root_.get(), NID_subject_key_identifier, "hash");
  sign(root_.get(), key_.get());
  root_pem_ = pem_of(root_.get());
  // The key first: a root without its key could never be used, the other way round it is remade.
  RETURN_IF_ERROR(disk.write_file_durably(key_path, pem_of(key_.get())));
  return disk.write_file_durably(root_path_, root_pem_);
}

Result<Authority> Authority::load_or_make(io::Disk& disk, const std::string& folder, WallTime now) {
  Authority made;
  made.leaf_key_ = make_key();
  made.root_path_ = folder + "/ca.pem";
  const std::string key_path = folder + "/ca-key.pem";
  RETURN_IF_ERROR(disk.make_dirs(folder));
  if (!disk.exists(key_path) || !disk.exists(made.root_path_)) {
    made.key_ = make_key();
    RETURN_IF_ERROR(made.make(disk, key_path, now));
    return made;
  }
  ASSIGN_OR_RETURN(const std::string key_pem, read_private_file(disk, key_path, kLargest));
  ASSIGN_OR_RETURN(made.root_pem_, disk.read_file(made.root_path_, kLargest));
  auto root = Certificate::parse(made.root_pem_, key_pem, {made.root_path_, key_path});
  if (!root) {
    return Error(Code::kDataLoss, fmt::format("{}; remove {} and {} to get a new authority",
                                              root.error().message(), made.root_path_, key_path));
  }
  const Bio bio(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  made.key_.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr),
                  EVP_PKEY_free);
  if (root->not_after() <= now + kLeafLife) {
    made.key_ = make_key();
    RETURN_IF_ERROR(made.make(disk, key_path, now));
    return made;
  }
  X509_up_ref(root->leaf());
  made.root_.reset(root->leaf(), X509_free);
  return made;
}

Result<Certificate> Authority::issue(const std::vector<std::string>& names, WallTime now) const {
  ASSIGN_OR_RETURN(Cert leaf, make_leaf(names, now));
  return Certificate::of(std::move(leaf), leaf_key_);
}

Result<Authority::Pem> Authority::issue_pem(const std::vector<std::string>& names,
                                            WallTime now) const {
  ASSIGN_OR_RETURN(const Cert leaf, make_leaf(names, now));
  return Pem{pem_of(leaf.get()), pem_of(leaf_key_.get())};
}

Result<std::shared_ptr<x509_st>> Authority::make_leaf(const std::vector<std::string>& names,
                                                      WallTime now) const {
  CHECK(!names.empty());
  // The subject has room for 64 characters and nobody reads it.
  Cert leaf = begin(leaf_key_.get(), names.front().substr(0, 64), now, kLeafLife);
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(root_.get()));
  RETURN_IF_ERROR(add_names(leaf.get(), names));
  extend(leaf.get(), root_.get(), NID_basic_constraints, "critical,CA:FALSE");
  extend(leaf.get(), root_.get(), NID_key_usage, "critical,digitalSignature");
  extend(leaf.get(), root_.get(), NID_ext_key_usage, "serverAuth");
  extend(leaf.get(), root_.get(), NID_authority_key_identifier, "keyid");
  sign(leaf.get(), key_.get());
  return leaf;
}

}  // namespace thaw::tls
