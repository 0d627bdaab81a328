package io.quorate.consensus.net;

import java.nio.file.Path;

/**
 * Mutual TLS between members: each shows its certificate and trusts who signed the others'.
 *
 * @param certificates this member's certificate chain, PEM
 * @param key its private key, PKCS#8 PEM, not encrypted
 * @param trusted certificates of those who may sign members' certificates, PEM
 */
public record Tls(Path certificates, Path key, Path trusted) {}
