package oidc

import "math/big"

// subgroups are the primes below 170 modulo which the powers of 65537 are not all
// the residues, and how many they are.
var subgroups = []struct{ prime, order int64 }{
	{11, 2}, {13, 6}, {17, 8}, {19, 9}, {37, 3}, {53, 26}, {61, 20}, {71, 35}, {73, 24}, {79, 13}, {97, 6}, {103, 51},
	{107, 53}, {109, 54}, {127, 42}, {151, 50}, {157, 78},
}

// roca says whether an RSA modulus has the form that the key generator of
// CVE-2017-15361 gave them, which makes them quick to factor: modulo every small
// prime it is a power of 65537 ("The Return of Coppersmith's Attack", CCS 2017).
// Of other keys one in 200 million has it.
func roca(n *big.Int) bool {
	for _, s := range subgroups {
		p := big.NewInt(s.prime)
		if new(big.Int).Exp(new(big.Int).Mod(n, p), big.NewInt(s.order), p).Cmp(big.NewInt(1)) != 0 {
			return false
		}
	}
	return true
}
