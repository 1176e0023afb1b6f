import Glibc

/// The value of an environment variable.
package func environment(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }
