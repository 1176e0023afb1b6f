import Glibc

extension Tensor {
    /// `1 / (1 + exp(-x))` of every value.
    public func sigmoided() -> Tensor {
        var output = self
        output.mutate { values in for i in values.indices { values[i] = 1 / (1 + expf(-values[i])) } }
        return output
    }
}
