using System.Globalization;

namespace CcExport.Engine.Profiles;

/// <summary>
/// What a storage account's refusals mean. Its own words quote what was signed and addresses with their signatures: they are not shown, and not kept inside of an
/// exception either.
/// </summary>
/// <param name="place">The container and the folder in it, as people know it.</param>
/// <param name="readWith">As <see cref="SourceKind.ReadWith"/> says.</param>
internal sealed class BlobErrors(string place, string readWith, string? sas, TimeProvider time)
{
    private string With => ByUser ? "export user's token" : sas is null ? "account key" : "shared access signature";

    private bool ByUser => readWith == SourceKinds.ExportUser;

    /// <param name="status">Of the answer; 0: there was none.</param>
    /// <param name="code">The service's own id of what is wrong.</param>
    /// <param name="path">The file that was asked for; null: the listing.</param>
    public CcException Tell(int status, string? code, string? path) => (status, code) switch
    {
        (404, "ContainerNotFound" or "FilesystemNotFound") => Of("ContainerNotFound", CcErrorKind.NotFound, $"There is no container at '{place}'.",
            "Check the address: the container's name comes first after the account's host."),
        (404, _) => Of("InputNotFound", CcErrorKind.NotFound, $"'{path ?? place}' does not exist (any more).", "Check the address, and run again when the program that writes there has finished."),
        (409 or 412, "ConditionNotMet" or "TargetConditionNotMet" or "BlobModifiedWhileReading") => InputErrors.Changed(path ?? place),
        (403 or 401, _) when Expired() is { } at => Of("SignatureExpired", CcErrorKind.Authentication,
            string.Create(CultureInfo.InvariantCulture, $"The shared access signature for '{place}' expired at {at:u}."), "Make a new one that lets read and list, and give it to New-CcSource."),
        (403 or 401, "AuthenticationFailed" or "InvalidAuthenticationInfo" or "NoAuthenticationInformation") => Of("BlobSignInFailed", CcErrorKind.Authentication,
            $"The account of '{place}' does not accept the {With}.",
            ByUser ? "Check that the export user is of the tenant that the storage account belongs to."
                : "Check that it was copied whole, is of this account and has not been renewed since; and that this machine's clock is right."),
        (403 or 401, "KeyBasedAuthenticationNotPermitted") => Of("BlobSignInFailed", CcErrorKind.Authentication,
            $"The account of '{place}' does not let anybody in by key or signature.", "Leave -SasToken and -AccountKey out: the export user reads it then."),
        (403 or 401, "AuthorizationFailure" or "AuthorizationSourceIPMismatch") => Of("BlobAccessDenied", CcErrorKind.Permission,
            $"'{place}' may not be read with this {With}, or not from here.", $"Check that the {With} is of this account and whole, and the addresses that it or the account's firewall lets in."),
        (403 or 401, _) => Of("BlobAccessDenied", CcErrorKind.Permission, $"'{path ?? place}' may not be read{(path is null ? " and listed" : "")}.",
            ByUser ? "Give the export user the role 'Storage Blob Data Reader' on the container." : "Make a signature for the container that lets read and list (sp=rl)."),
        (409, "PublicAccessNotPermitted") => Of("BlobAccessDenied", CcErrorKind.Permission, $"'{place}' is not public.", "Give a signature with -SasToken, or let the export user read."),
        (400, "InvalidHeaderValue" or "InvalidQueryParameterValue" or "InvalidUri" or "InvalidResourceName" or "OutOfRangeInput") => Of("BlobAddressInvalid", CcErrorKind.InvalidArgument,
            $"'{place}' is not accepted as an address ({code}).", "Check the container's name; an emulator has to be of this year."),
        (0, _) => Of("BlobUnreachable", CcErrorKind.Connection, $"'{place}' cannot be reached.", "Check the account's name, the network and the proxy, then run again."),
        (408 or 429 or >= 500, _) => Of("BlobUnavailable", CcErrorKind.Connection, $"The account of '{place}' is busy or in trouble ({status}), also after some tries.", "Run again later."),
        _ => Of("BlobRefused", CcErrorKind.Service, string.Create(CultureInfo.InvariantCulture, $"The account of '{place}' refused to answer: {status} {code}."), "Look the code up in the documentation of Azure Storage."),
    };

    /// <summary>The connection ended in the middle, also after some tries.</summary>
    public CcException Broken(string path) => Of("BlobUnreachable", CcErrorKind.Connection, $"The reading of '{path}' was cut off.", "Check the network, then run again.");

    private CcException Of(string id, CcErrorKind kind, string message, string remedy) => new(id, kind, message, remedy) { Subject = place };

    /// <summary>When the signature ended, if it has.</summary>
    private DateTimeOffset? Expired()
    {
        foreach (string pair in (sas ?? "").TrimStart('?').Split('&'))
        {
            if (pair.StartsWith("se=", StringComparison.Ordinal)
                && DateTimeOffset.TryParse(Uri.UnescapeDataString(pair[3..]), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset end) && end <= time.GetUtcNow())
                return end;
        }
        return null;
    }
}
