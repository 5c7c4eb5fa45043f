namespace CcExport.Engine.Identity.Entra;

/// <summary>How an export user proves who it is.</summary>
public enum ExportUserKind
{
    /// <summary>A person, in the browser of this machine.</summary>
    Interactive,
    /// <summary>A person, with a code typed in on any device.</summary>
    DeviceCode,
    /// <summary>An application, with a certificate.</summary>
    Certificate,
    /// <summary>An application, with a secret.</summary>
    ClientSecret,
    /// <summary>The machine itself, where Azure gave it an identity.</summary>
    ManagedIdentity,
    /// <summary>An application, with a token that the platform writes into a file (workload identity).</summary>
    FederatedToken,
}
