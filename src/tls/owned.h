// Owned: what OpenSSL gave, freed by its own function; and what all who call OpenSSL need.
// **Thread**: any. **Owner**: values.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct ssl_st;
struct ssl_ctx_st;
struct x509_st;
struct evp_pkey_st;
struct stack_st_X509;

namespace thaw::tls {

template <auto kFree>
struct Freed {
  template <class T>
  void operator()(T* it) const {
    kFree(it);
  }
};
template <class T, auto kFree>
using Owned = std::unique_ptr<T, Freed<kFree>>;

/// What OpenSSL says went wrong last, in its words; empties its queue. "" when it says nothing.
std::string last_fault();
/// For reading PEM: nobody is asked for a passphrase, since nobody may be at a terminal.
int no_passphrase(char*, int, int, void*);
/// The digest, 32 bytes.
std::string sha256(std::string_view text);

}  // namespace thaw::tls
