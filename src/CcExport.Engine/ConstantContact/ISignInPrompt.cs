namespace CcExport.Engine.ConstantContact;

/// <summary>What a sign-in asks of the person at the prompt. Called from the engine's threads.</summary>
public interface ISignInPrompt
{
    /// <summary>Shows a code and where to type it in.</summary>
    void ShowDeviceCode(string userCode, Uri verificationUri, Uri? verificationUriComplete, DateTimeOffset expiresAt);
    /// <summary>Opens a browser; false when there is none.</summary>
    Task<bool> OpenBrowserAsync(Uri address, CancellationToken ct);
    /// <summary>Shows an address to open by hand.</summary>
    void ShowAddress(Uri address);
}
