import Checkpoints
import FoundationEssentials
public import SystemPackage
import Tensors

/// Complete small models with random weights, made of the goldens and a vocabulary of our own.
public enum TinyModel {
    /// A directory with `tiny-bert-gelu`, or its classifier, and a WordPiece vocabulary of 120 tokens.
    public static func make(_ golden: String = "tiny-bert-gelu", in directory: TemporaryDirectory, named name: String)
        throws -> FilePath
    {
        let source = Golden.directory(golden)
        for file in ["config.json", "model.safetensors"] {
            guard let bytes = contents(of: source.appending(file)) else { throw Errno.noSuchFileOrDirectory }
            try directory.write(bytes, to: "\(name)/\(file)")
        }
        try directory.write(vocabulary.joined(separator: "\n") + "\n", to: "\(name)/vocab.txt")
        return directory(name)
    }

    /// Gives a model other weights of the same shapes.
    public static func changeWeights(of directory: FilePath) throws {
        let file = directory.appending("model.safetensors")
        let weights = try SafeTensors(file)
        let values = try weights.entries.map { entry in
            var value = try weights.tensor(entry)
            value.scale(by: 1.5)
            return (name: entry.name, value: value)
        }
        try SafeTensors.write(values, to: file)
    }

    public static var vocabulary: [String] {
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        let letters = "abcdefghijklmnopqrstuvwxyz".map(String.init)
        let words = ["the", "film", "good", "bad", "fine", "dull", "was", "plot", "warm", "cold", "not", "very"]
        let marks = [".", ",", "!", "?", "'"]
        let all = special + letters + letters.map { "##" + $0 } + words + marks
        return all + (all.count..<120).map { "[unused\($0)]" }
    }

    /// Labelled sentences that a tiny model can learn: the adjective decides.
    public static func examples(_ count: Int) -> String {
        let (good, bad) = (["good", "fine", "warm"], ["bad", "dull", "cold"])
        let lines = (0..<count).map { index in
            let isGood = index % 2 == 0
            let word = (isGood ? good : bad)[index / 2 % 3]
            let subject = ["the film", "the plot", "the very film"][index / 6 % 3]
            return "\(subject) was \(word)\(["", ".", "!"][index % 3])\t\(isGood ? "positive" : "negative")\n"
        }
        return "text\tlabel\n" + lines.joined()
    }
}
