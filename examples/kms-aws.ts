import { KMSClient } from '@aws-sdk/client-kms';
import type { TokenModuleOptions } from '@tokenward/nestjs';
import { AwsKeyWrapper } from '@tokenward/nestjs/kms/aws';

/** Credentials and region come from where the AWS client finds them: environment, instance profile, IRSA. */
export const encryption = (): TokenModuleOptions['encryption'] => ({
  wrapper: new AwsKeyWrapper({
    client: new KMSClient({ maxAttempts: 3 }),
    keyIds: ['arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'],
  }),
});
