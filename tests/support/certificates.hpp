// Certificates made for one test: an authority, and a server's that descends from it.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace walwrap::testing {

template <auto kRelease>
struct OpensslRelease {
  template <typename T>
  void operator()(T* object) const {
    kRelease(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, OpensslRelease<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, OpensslRelease<X509_free>>;
using ServerContext = std::unique_ptr<SSL_CTX, OpensslRelease<SSL_CTX_free>>;

inline void require(bool holds) {
  if (!holds) throw std::runtime_error("OpenSSL makes no certificate");
}

class Authority {
 public:
  explicit Authority(const std::string& name = "walwrap test authority")
      : key_(EVP_EC_gen("P-256")), certificate_(new_certificate(name, key_.get())) {
    X509_set_issuer_name(certificate_.get(), X509_get_subject_name(certificate_.get()));
    extend(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
    sign(certificate_.get());
  }

  std::string pem() const {
    const std::unique_ptr<BIO, OpensslRelease<BIO_free>> memory(BIO_new(BIO_s_mem()));
    require(PEM_write_bio_X509(memory.get(), certificate_.get()) == 1);
    char* text = nullptr;
    const auto size = BIO_get_mem_data(memory.get(), &text);
    return {text, static_cast<std::size_t>(size)};
  }
  // The name by which OpenSSL finds it in a directory.
  unsigned long hash() const {
    return X509_NAME_hash_ex(X509_get_subject_name(certificate_.get()), nullptr, nullptr, nullptr);
  }

  struct Life {
    std::chrono::seconds from{-3600};  // as seen from now
    std::chrono::seconds until{3600};
  };
  // What a server needs to speak TLS as `names`: "IP:127.0.0.1", "DNS:a.example,DNS:b.example".
  ServerContext server(const std::string& names) const { return server(names, Life{}); }
  ServerContext server(const std::string& names, Life life) const {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate = new_certificate("walwrap test server", key.get());
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), life.from.count());
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), life.until.count());
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_.get()));
    extend(certificate.get(), NID_subject_alt_name, names);
    sign(certificate.get());
    ServerContext context(SSL_CTX_new(TLS_server_method()));
    require(context != nullptr && SSL_CTX_use_certificate(context.get(), certificate.get()) == 1 &&
            SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1);
    return context;
  }

 private:
  static Certificate new_certificate(const std::string& name, EVP_PKEY* key) {
    Certificate certificate(X509_new());
    require(key != nullptr && certificate != nullptr);
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    const Life life;
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), life.from.count());
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), life.until.count());
    const auto* const bytes = reinterpret_cast<const unsigned char*>(name.data());
    X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate.get()), NID_commonName,
                               MBSTRING_ASC, bytes, static_cast<int>(name.size()), -1, 0);
    require(X509_set_pubkey(certificate.get(), key) == 1);
    return certificate;
  }
  static void extend(X509* certificate, int what, const std::string& value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str());
    require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
  }
  void sign(X509* certificate) const {
    require(X509_sign(certificate, key_.get(), EVP_sha256()) > 0);
  }

  Key key_;
  Certificate certificate_;
};

}  // namespace walwrap::testing
