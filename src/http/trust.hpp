// The CA certificates from which a server's certificate must descend. Owned by one client.
//
// Those of a file, or the system's: what SSL_CERT_FILE and SSL_CERT_DIR name, as OpenSSL reads
// them, else the usual places of distributions. A directory is searched only for the needed
// certificate. A file is parsed completely, which takes some 20 ms and most of a megabyte. So
// certificates are read when TLS first needs them, and if there is a directory, the file is read
// only when the directory is not enough.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "walwrap/base/result.hpp"

namespace walwrap::http {

class Trust {
 public:
  // Where distributions keep root certificates. The first existing place of each kind counts.
  struct Places {
    std::vector<std::string> directories;
    std::vector<std::string> files;
  };
  static Places system_places();

  // "" for the system's. Errors: Invalid (the file cannot be read, or has no certificate).
  static Result<Trust> open(std::string ca_file, Places places = system_places());

  // Makes the connections of that context verify with these certificates only. The context refers
  // to this object, which must outlive it and must not move. Errors: as open().
  Result<void> apply_to(SSL_CTX* context);
  // X509_V_..., of the last certificate since apply_to(). X509_V_OK: none was invalid. Host names
  // are not checked here.
  long verify_result() const { return verify_result_; }

  // Borrowed until the next non-const call. Errors: as open().
  Result<X509_STORE*> roots();
  // After a certificate was not valid: whether there are more CA certificates to try.
  bool widen();
  // The next request reads the certificates again: a file may be replaced while a client exists.
  void forget();
  bool has_roots() const { return has_roots_; }  // false: the system has none

 private:
  struct Release {
    void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  };
  enum class Reach { Directory, All };

  Trust(std::string ca_file, Places places)
      : ca_file_(std::move(ca_file)), places_(std::move(places)) {}
  static int on_certificate(X509_STORE_CTX* chain, void* trust);
  Result<void> check_file() const;
  Result<void> load_file();
  void load_system();

  std::string ca_file_;
  Places places_;
  std::unique_ptr<X509_STORE, Release> store_;
  Reach reach_ = Reach::Directory;  // still to be read
  bool has_more_ = false;           // a file that has not been read
  bool has_roots_ = true;
  long verify_result_ = X509_V_OK;
};

}  // namespace walwrap::http
