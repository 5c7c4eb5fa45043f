using System.Diagnostics;
using System.Management.Automation;
using CcExport.Engine.ConstantContact.SignIn;

namespace CcExport.Pipeline;

/// <summary>Talks to the person who signs in: as Write-Host does, so that it is seen whatever the preferences say.</summary>
internal sealed class SignInPrompt(Action<Action> post, Cmdlet cmdlet) : ISignInPrompt
{
    private static readonly string[] HostTag = ["PSHOST"];

    public void ShowDeviceCode(string userCode, Uri verificationUri, Uri? verificationUriComplete, DateTimeOffset expiresAt)
    {
        string direct = verificationUriComplete is null ? "" : $" (or open {verificationUriComplete})";
        Say($"To sign in, open {verificationUri} in any browser and enter the code {userCode}{direct}. It is good until {expiresAt.ToLocalTime():t}.");
    }

    public void ShowAddress(Uri address) => Say($"To sign in, open this address in a browser of this machine: {address}");

    public Task<bool> OpenBrowserAsync(Uri address, CancellationToken ct)
    {
        try
        {
            if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable("DISPLAY") is null && Environment.GetEnvironmentVariable("WAYLAND_DISPLAY") is null)
                return Task.FromResult(false);
            using Process? browser = Process.Start(new ProcessStartInfo(address.AbsoluteUri) { UseShellExecute = true });
            return Task.FromResult(true);
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException or FileNotFoundException)
        {
            return Task.FromResult(false);   // no browser here: the address is shown instead
        }
    }

    private void Say(string text) => post(() => cmdlet.WriteInformation(new HostInformationMessage { Message = text }, HostTag));
}
