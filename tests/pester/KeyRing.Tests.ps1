BeforeAll {
    . $PSScriptRoot/common.ps1
    Import-Module $Manifest
    $Folder = New-TempFolder
    $OldHome = $env:CCEXPORT_HOME
    # A home of its own: another file's connections are not to need this one's certificate.
    $env:CCEXPORT_HOME = Join-Path $Folder 'home'

    function New-Pfx([string] $Name, [string] $Password) {
        $rsa = [Security.Cryptography.RSA]::Create(2048)
        $request = [Security.Cryptography.X509Certificates.CertificateRequest]::new("CN=$Name", $rsa, 'SHA256', [Security.Cryptography.RSASignaturePadding]::Pkcs1)
        $certificate = $request.CreateSelfSigned([DateTimeOffset]::UtcNow.AddDays(-1), [DateTimeOffset]::UtcNow.AddDays(30))
        $path = Join-Path $Folder "$Name.pfx"
        [IO.File]::WriteAllBytes($path, $certificate.Export('Pfx', $Password))
        [pscustomobject]@{ Path = $path; Thumbprint = $certificate.Thumbprint }
    }

    function Get-RingText { Get-ChildItem (Join-Path $env:CCEXPORT_HOME 'keys') -Filter key-*.xml | Get-Content -Raw }

    $Password = 'a word to the file'
    $First = New-Pfx first $Password
    $Second = New-Pfx second $Password
    $Simulator = Start-CcSimulator
}

AfterAll {
    Stop-CcSimulator
    $env:CCEXPORT_HOME = $OldHome
    Remove-Item $Folder -Recurse -Force
}

Describe 'The key ring' {
    AfterEach { Remove-Item Env:CCEXPORT_KEYRING_* }

    It 'is empty before something secret was kept' {
        $ring = Get-CcKeyRing
        $ring.Keys | Should -Be 0
        $ring.Place | Should -Be (Join-Path $env:CCEXPORT_HOME 'keys')
        { Protect-CcKeyRing } | Should -Throw -ErrorId 'KeyRingSettingMissing*'
    }

    It 'is unwrapped where nobody chose otherwise, and says so' {
        $null = $Simulator | New-CcConnection -AcceptDataPrivacy
        $ring = Get-CcKeyRing
        $ring.Keys | Should -Be 1
        "$($ring.Wrapping)" | Should -Be 'None'
        $ring.Readable | Should -BeTrue
        $ring.Findings | Should -Match 'unwrapped'
        $script:Key = ([xml](Get-RingText)).SelectSingleNode('//value').InnerText
        $Key.Length | Should -BeGreaterThan 80
    }

    It 'is not touched with -WhatIf' {
        $env:CCEXPORT_KEYRING_CERTIFICATE = $First.Path
        $env:CCEXPORT_KEYRING_CERTIFICATE_PASSWORD = $Password
        $before = Get-RingText
        Protect-CcKeyRing -WhatIf | Should -BeNullOrEmpty
        Get-RingText | Should -BeExactly $before
        $said = Invoke-Child "Import-Module '$Manifest'; Protect-CcKeyRing -WhatIf"
        "$said" | Should -BeLike "What if: *Wrap with $($First.Path)*1 key*"
    }

    It 'is wrapped by a certificate, and goes on reading' {
        $env:CCEXPORT_KEYRING_CERTIFICATE = $First.Path
        $env:CCEXPORT_KEYRING_CERTIFICATE_PASSWORD = $Password
        (Get-CcKeyRing).Findings | Should -Match 'Protect-CcKeyRing'
        $ring = Protect-CcKeyRing
        "$($ring.Wrapping)" | Should -Be 'Certificate'
        $ring.WrappedBy | Should -Be $First.Thumbprint
        $ring.Findings | Should -BeNullOrEmpty
        Get-RingText | Should -Not -Match ([regex]::Escape($Key))
        (Test-CcConnection Simulator).Status | Should -Be 'Healthy'
    }

    It 'cannot be read by who lacks the certificate: Test-CcConnection says so' {
        $health = Test-CcConnection Simulator
        $health.Healthy | Should -BeFalse
        $health.Status | Should -Be 'KeyRingUnreadable'
        $health.Findings | Should -Match "$($First.Thumbprint).*CCEXPORT_KEYRING_CERTIFICATE"
        (Get-CcKeyRing).Readable | Should -BeFalse
        $fault = { Get-CcList Simulator } | Should -Throw -PassThru
        (Get-ErrorFace $fault).Id | Should -Be 'KeyRingUnreadable'
        $env:CCEXPORT_KEYRING_CERTIFICATE = $First.Path
        (Test-CcConnection Simulator).Status | Should -Be 'CertificateUnreadable'
    }

    It 'is rolled over to the next certificate' {
        $env:CCEXPORT_KEYRING_CERTIFICATE_PASSWORD = $Password
        $env:CCEXPORT_KEYRING_CERTIFICATE = "$($Second.Path);$($First.Path)"
        (Protect-CcKeyRing).WrappedBy | Should -Be $Second.Thumbprint
        $env:CCEXPORT_KEYRING_CERTIFICATE = $Second.Path
        (Test-CcConnection Simulator).Status | Should -Be 'Healthy'
        $table = Get-CcKeyRing | Format-Table | Out-String -Width 120
        $table | Should -Match $Second.Thumbprint
    }

    It 'names what is wrong with the choice' {
        $env:CCEXPORT_KEYRING_KEYVAULT = 'http://acme.vault.azure.net/keys/ring'
        { Get-CcKeyRing } | Should -Throw -ErrorId 'KeyRingSettingUnsuitable*'
        (Test-CcConnection Simulator).Status | Should -Be 'KeyRingSettingUnsuitable'
        $env:CCEXPORT_KEYRING_KEYVAULT = $null
        $env:CCEXPORT_KEYRING_CERTIFICATE = Join-Path $Folder 'none.pfx'
        { Protect-CcKeyRing } | Should -Throw -ErrorId 'CertificateNotFound*'
    }

    It 'is unwrapped only by who says so' {
        $env:CCEXPORT_KEYRING_CERTIFICATE_PASSWORD = $Password
        $env:CCEXPORT_KEYRING_CERTIFICATE = $Second.Path
        Invoke-Child "Import-Module '$Manifest'; try { Protect-CcKeyRing -Unwrapped } catch { `$_.FullyQualifiedErrorId }" | Should -BeLike 'ConfirmationRequired*'
        "$((Get-CcKeyRing).Wrapping)" | Should -Be 'Certificate'
        "$((Protect-CcKeyRing -Unwrapped -Force).Wrapping)" | Should -Be 'None'
        $env:CCEXPORT_KEYRING_CERTIFICATE = $null
        (Test-CcConnection Simulator).Status | Should -Be 'Healthy'
        Get-RingText | Should -Match ([regex]::Escape($Key))
    }
}
