namespace CcExport.Engine.Profiles;

/// <summary>Segments in a container of Azure Blob Storage or ADLS Gen2: the same layouts as in folders of this machine, read where they are.</summary>
internal static class BlobSource
{
    /// <summary>What a token has to be for.</summary>
    public const string Scope = "https://storage.azure.com/.default";

    private const string Signature = "SharedAccessSignature", Key = "AccountKey";

    public static SourceKind Kind { get; } = new(
        _ => "BlobContainer", reference => reference.BlobContainer is { } address ? BlobAddress.Shown(address) : null, Check, ReadWith, Open)
    {
        Scope = static _ => Scope,
    };

    private static string ReadWith(SourceReference reference)
        => (reference.Has ?? reference.Keeps) switch
        {
            nameof(SourceReference.SasToken) => Signature,
            nameof(SourceReference.AccountKey) => Key,
            _ => SourceKinds.ExportUser,
        };

    private static void Check(SourceReference reference)
    {
        BlobAddress address = BlobAddress.Parse(reference.BlobContainer!);
        FileSource.Options(reference).Check();
        string shown = BlobAddress.Shown(reference.BlobContainer!);
        if (reference.SasToken is not null && reference.AccountKey is not null)
        {
            throw new CcException("BlobCredentialAmbiguous", CcErrorKind.InvalidArgument, "A container is read with a signature or with a key, not with both.",
                "Give -SasToken or -AccountKey.");
        }
        if (reference.SasToken is { } sas && !sas.Contains("sig=", StringComparison.Ordinal))
        {
            throw new CcException("SignatureInvalid", CcErrorKind.InvalidArgument, "The text for -SasToken is no shared access signature: it has no 'sig'.",
                "Give the whole signature, beginning with 'sv=' or '?sv='.");
        }
        if (reference.AccountKey is { } key && !Convert.TryFromBase64String(key, new byte[key.Length], out _))
        {
            throw new CcException("AccountKeyInvalid", CcErrorKind.InvalidArgument, "The text for -AccountKey is no account key: it is not Base64.",
                "Copy the key, not the connection string, from 'Access keys' of the storage account.");
        }
        if (ReadWith(reference) == SourceKinds.ExportUser && !address.IsOfTheService)
        {
            throw new CcException("BlobHostUnknown", CcErrorKind.InvalidArgument,
                $"'{shown}' is no address of Azure Storage: a token of the export user is sent nowhere else.", "Give a shared access signature with -SasToken, or the storage account's own address.")
            { Subject = shown };
        }
    }

    private static IProfileSource Open(SourceReference reference, SourceContext context)
    {
        BlobAddress address = BlobAddress.Parse(reference.BlobContainer!);
        string root = BlobAddress.Shown(reference.BlobContainer!);
        var errors = new BlobErrors(root, ReadWith(reference), reference.SasToken, context.Time);
        return FileSource.Open(new BlobTree(address, root, reference.SasToken, reference.AccountKey, context, errors), root, FileSource.Options(reference));
    }
}
